import Testing

@testable import HTTPMessages

struct HTTP1ConnectionTests {
  /// Bytes of one side.
  enum Side: Sendable {
    case client(String)
    case server(String)
  }

  enum Outcome: Sendable, Equatable {
    case idle
    case busy
    /// Not followed any more.
    case given
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let exchange: [Side]
    let outcome: Outcome
    var testDescription: String { name }

    init(_ name: String, _ exchange: [Side], _ outcome: Outcome) {
      self.name = name
      self.exchange = exchange
      self.outcome = outcome
    }
  }

  private static let get = Side.client("GET /a HTTP/1.1\r\nHost: user\r\n\r\n")
  private static let head = Side.client("HEAD /a HTTP/1.1\r\nHost: user\r\n\r\n")
  private static let ok = Side.server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
  private static let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding:  Chunked \r\n\r\n"

  static let rows: [Row] = [
    Row("a request", [get], .busy),
    Row("a part of a request", [.client("GE")], .busy),
    Row("an answer with a length", [get, ok], .idle),
    Row("an answer without its last byte", [get, .server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")], .busy),
    Row("an answer of no length", [get, .server("HTTP/1.1 200 OK\r\nCONTENT-LENGTH:0\r\n\r\n")], .idle),
    Row("two answers in turn", [get, ok, get, ok], .idle),
    Row("the next request", [get, ok, get], .busy),
    Row("a byte of the next request", [get, ok, .client("G")], .busy),
    Row("two requests and one answer", [get, get, ok], .busy),
    Row("two requests and both answers", [get, get, ok, ok], .idle),
    Row("chunks", [get, .server(chunked + "5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n")], .idle),
    Row("chunks and a trailer", [get, .server(chunked + "1\r\nx\r\n0\r\nSum: 1\r\n\r\n")], .idle),
    Row("chunks without an end", [get, .server(chunked + "5\r\nhello\r\n")], .busy),
    Row("chunks with an end that is not whole", [get, .server(chunked + "0\r\n")], .busy),
    Row("a chunk without a size", [get, .server(chunked + ";x\r\n")], .given),
    Row("a chunk that is longer than it says", [get, .server(chunked + "1\r\nxx\r\n0\r\n\r\n")], .given),
    Row("a request with a body", [.client("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), ok], .idle),
    Row("an answer before the body", [.client("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), ok], .given),
    Row(
      "a body that is refused before it comes",
      [
        .client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n"),
        .server("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
      ], .given),
    Row(
      "a body that is asked for",
      [
        .client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
        .server("HTTP/1.1 100 Continue\r\n\r\n"), .client("abc"), ok,
      ], .idle),
    Row(
      "an answer while the next request's body comes",
      [get, .client("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), ok], .busy),
    Row(
      "a request in chunks",
      [.client("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), ok], .idle),
    Row("HEAD", [head, .server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")], .idle),
    Row("HEAD and GET", [head, get, .server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), ok], .idle),
    Row("204", [get, .server("HTTP/1.1 204 No Content\r\n\r\n")], .idle),
    Row("304", [get, .server("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")], .idle),
    Row("100", [get, .server("HTTP/1.1 100 Continue\r\n\r\n")], .busy),
    Row("103 and the answer", [get, .server("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), ok], .idle),
    Row("101", [get, .server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")], .given),
    Row("CONNECT", [.client("CONNECT a:1 HTTP/1.1\r\n\r\n")], .given),
    Row("an answer that the connection's end ends", [get, .server("HTTP/1.1 200 OK\r\n\r\nhello")], .given),
    Row("an answer without a request", [get, ok, ok], .given),
    Row("another protocol's answer", [get, .server("220 mail\r\n\r\n")], .given),
    Row("no protocol at all", [.client("\r\n")], .given),
    Row("a TLS handshake", [.client("\u{16}\u{3}")], .given),
    Row("another protocol's first byte", [get, .server("+")], .given),
    Row("a bare line feed", [.client("GET / HTTP/1.1\nHost: user\r\n\r\n")], .given),
    Row("a folded line", [.client("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n")], .given),
    Row("a blank before the colon", [.client("GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\n")], .given),
    Row("a line without a colon", [.client("GET / HTTP/1.1\r\nHost\r\n\r\n")], .given),
    Row("two lengths", [.client("GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n")], .given),
    Row("two lengths in a line", [.client("GET / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n")], .given),
    Row("a negative length", [.client("GET / HTTP/1.1\r\nContent-Length: -3\r\n\r\n")], .given),
    Row("a huge length", [.client("GET / HTTP/1.1\r\nContent-Length: 9999999999999999\r\n\r\n")], .given),
    Row(
      "a length and chunks",
      [.client("GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")], .given),
    Row("another coding", [get, .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")], .given),
    Row(
      "a long line", [.client("GET / HTTP/1.1\r\nCookie: \(String(repeating: "x", count: 8000))\r\n\r\n"), ok], .idle),
    Row(
      "a long length",
      [.client("GET / HTTP/1.1\r\nContent-Length: \(String(repeating: "0", count: 100))\r\n\r\n")], .given),
    Row("a long path", [.client("GET /\(String(repeating: "x", count: 8000)) HTTP/1.1\r\n\r\n"), ok], .idle),
    Row("64 requests", [Side](repeating: get, count: 64) + [Side](repeating: ok, count: 64), .idle),
    Row("65 requests", [Side](repeating: get, count: 65), .given),
  ]

  @Test("Finds the time between two requests", arguments: rows, [1, 7, 100_000])
  func exchanges(row: Row, step: Int) {
    var connection = HTTP1Connection()
    for (index, side) in row.exchange.enumerated() {
      let bytes: [UInt8]
      switch side {
      case .client(let text), .server(let text): bytes = Array(text.utf8)
      }
      for start in stride(from: 0, to: bytes.count, by: step) {
        let piece = Array(bytes[start..<min(start + step, bytes.count)])
        piece.withUnsafeBytes {
          if case .client = side { connection.fromClient($0) } else { connection.fromServer($0) }
        }
        let isLast = index == row.exchange.count - 1 && start + step >= bytes.count
        if !isLast, start + step < bytes.count { #expect(!connection.isIdle, "in the middle of a message") }
      }
    }
    let outcome: Outcome = !connection.isFollowed ? .given : connection.isIdle ? .idle : .busy
    #expect(outcome == row.outcome)
  }
}
