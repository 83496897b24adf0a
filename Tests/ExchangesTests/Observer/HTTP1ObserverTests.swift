import Testing

@testable import Exchanges

@Suite struct HTTP1ObserverTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Bytes in turn: the client's begin with `>`, the server's with `<`; `|` is the server's end, `!` a reset.
    var script: [String]
    var expected: [String]
    /// True if the observer follows the connection to its end.
    var follows = true
  }

  private static let get = ">GET /a HTTP/1.1\r\nHost: user\r\n\r\n"
  private static let ok = "<HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

  static let cases = [
    Case(testDescription: "one request", script: [get, ok], expected: ["GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "keep-alive", script: [get, ok, get, ok], expected: ["GET /a 200 ↑0 ↓3", "GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "pipelining", script: [get + get.dropFirst(), ok + ok.dropFirst()],
      expected: ["GET /a 200 ↑0 ↓3", "GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "HEAD",
      script: [">HEAD /a HTTP/1.1\r\nHost: user\r\n\r\n", ok.replacing("abc", with: ""), get, ok],
      expected: ["HEAD /a 200 ↑0 ↓0", "GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "204 and 304",
      script: [
        get, "<HTTP/1.1 204 No Content\r\n\r\n", get, "<HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", get,
        ok,
      ],
      expected: ["GET /a 204 ↑0 ↓0", "GET /a 304 ↑0 ↓0", "GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "100 comes first",
      script: [
        ">PUT /a HTTP/1.1\r\nHost: u\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        "<HTTP/1.1 100 Continue\r\n\r\n", ">hi", ok,
      ], expected: ["PUT /a 200 ↑2 ↓3"]),
    Case(
      testDescription: "chunks count without their framing",
      script: [
        ">POST /a HTTP/1.1\r\nHost: u\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        "<HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n", get, ok,
      ], expected: ["POST /a 200 ↑6 ↓10", "GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "an answer that ends with the connection", script: [get, "<HTTP/1.0 200 OK\r\n\r\nabcd", "|"],
      expected: ["GET /a 200 ↑0 ↓4"]),
    Case(
      testDescription: "an answer before the request's end",
      script: [">PUT /a HTTP/1.1\r\nHost: u\r\nContent-Length: 4\r\n\r\nab", ok, ">cd", get, ok],
      expected: ["PUT /a 200 ↑2 ↓3", "GET /a 200 ↑0 ↓3"]),
    Case(
      testDescription: "an upgrade",
      script: [get, "<HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}", ">\u{3}"],
      expected: ["GET /a 101 ↑0 ↓0"], follows: false),
    Case(
      testDescription: "a tunnel",
      script: [">CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n", "<HTTP/1.1 200 OK\r\n\r\n", ">xyz"],
      expected: ["CONNECT db:1 200 ↑0 ↓0"], follows: false),
    Case(
      testDescription: "a tunnel that is refused",
      script: [
        ">CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n", "<HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", get, ok,
      ],
      expected: ["CONNECT db:1 403 ↑0 ↓0", "GET /a 200 ↑0 ↓3"]),
    Case(testDescription: "a reset", script: [get, "!"], expected: ["GET /a 0 ↑0 ↓0 (the connection was reset)"]),
    Case(
      testDescription: "a reset within the answer",
      script: [get, "<HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "!"],
      expected: ["GET /a 200 ↑0 ↓3 (the connection was reset)"]),
    Case(
      testDescription: "two lengths",
      script: [get, ok, ">POST /b HTTP/1.1\r\nHost: u\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"],
      expected: ["GET /a 200 ↑0 ↓3"], follows: false),
    Case(
      testDescription: "a doubtful answer",
      script: [get, "<HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx"],
      expected: ["GET /a 0 ↑0 ↓0 (the rest of the connection is no HTTP that can be followed)"], follows: false),
    Case(
      testDescription: "an answer without a request", script: [get, ok, ok], expected: ["GET /a 200 ↑0 ↓3"],
      follows: false),
    Case(testDescription: "SSH", script: [">SSH-2.0-OpenSSH_9\r\n", "<SSH-2.0-x\r\n"], expected: [], follows: false),
    Case(
      testDescription: "a server that speaks first", script: ["<220 mail ESMTP\r\n", ">EHLO a\r\n"], expected: [],
      follows: false),
    Case(testDescription: "TLS", script: [">\u{16}\u{3}\u{1}"], expected: [], follows: false),
  ]

  @Test("Exchanges, however the bytes are cut", arguments: cases)
  func exchanges(_ one: Case) {
    for piece in [1, 2, 3, 7, 64, Int.max] {
      let connection = ObservedConnection(piece: piece)
      for step in one.script {
        switch step.first {
        case ">": connection.client(String(step.dropFirst()))
        case "<": connection.server(String(step.dropFirst()))
        case "|": connection.observer.serverEnded(now: 101)
        default: connection.observer.closed("the connection was reset", now: 101)
        }
      }
      let isFollowing = connection.observer.isFollowing
      if !one.script.contains("!") { #expect(isFollowing == one.follows, "pieces of \(piece)") }
      connection.observer.closed("the connection ended", now: 102)
      #expect(connection.record.lines == one.expected, "pieces of \(piece)")
      #expect(connection.record.begun.count == one.expected.count, "pieces of \(piece)")
    }
  }

  @Test func headsUnderWayHaveABudget() {
    let connection = ObservedConnection()
    func see(_ text: String) {
      Array(text.dropFirst().utf8).withUnsafeBytes {
        if text.hasPrefix(">") {
          connection.observer.fromClient($0, now: 1)
        } else {
          connection.observer.fromServer($0, now: 1)
        }
      }
    }
    see(Self.get)
    #expect(connection.record.held > 20)
    see("<HTTP/1.1 100 Continue\r\n\r\n")
    see(Self.ok)
    #expect(connection.record.held == 0, "an exchange that has ended is counted elsewhere")
    connection.record.headRoom = 1000
    see(">GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 900))
    #expect(connection.observer.isFollowing && connection.record.held > 900)
    see(">" + String(repeating: "x", count: 900))
    #expect(!connection.observer.isFollowing && connection.record.held == 0)
  }

  @Test func theFieldsAndTheTimes() throws {
    var connection = ObservedConnection(piece: 5)
    connection.client("POST /a?b=c HTTP/1.1\r\nHost: user:80\r\nX-One:  1 \r\nContent-Length: 1\r\n\r\nx")
    connection.now = 100.25
    connection.server(
      "HTTP/1.1 201 Created\r\nX-Two: zwei\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\nSum: 9\r\n")
    connection.now = 100.5
    connection.server("\r\n")
    let one = try #require(connection.record.exchanges.first)
    #expect(one.version == "HTTP/1.1" && one.request.authority == "user:80" && one.request.target == "/a?b=c")
    #expect(one.request.fields.map(\.name) == ["Host", "X-One", "Content-Length"])
    #expect(one.request.fields[1].value == "1")
    #expect(one.answer?.fields.first == Exchange.Field("X-Two", "zwei"))
    #expect(one.answer?.trailers == [Exchange.Field("Sum", "9")])
    #expect(one.start == 100 && one.wait == 0.25 && one.duration == 0.5)
    #expect(one.request.body == nil && one.service == "user" && one.port == 8080)
  }

  @Test func bodiesAreKeptIfAsked() throws {
    let connection = ObservedConnection(bodies: true, piece: 3)
    connection.client("POST /a HTTP/1.1\r\nHost: u\r\nContent-Length: 5\r\n\r\nhello")
    connection.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
    let one = try #require(connection.record.exchanges.first)
    #expect(one.request.body == Exchange.Body(Array("hello".utf8)))
    #expect(one.answer?.body == Exchange.Body(Array("abcdef".utf8)))
  }

  @Test func aBodyIsBounded() throws {
    let connection = ObservedConnection(bodies: true)
    connection.client("POST /a HTTP/1.1\r\nHost: u\r\nContent-Length: 2000000\r\n\r\n")
    connection.client([UInt8](repeating: 65, count: 2_000_000))
    connection.record.room = 10
    connection.server("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world")
    let one = try #require(connection.record.exchanges.first)
    #expect(one.request.body?.bytes.count == 1 << 20 && one.request.body?.isWhole == false)
    #expect(one.request.size == 2_000_000)
    #expect(one.answer?.body?.bytes.isEmpty == true && one.answer?.body?.isWhole == false)
  }

  @Test func aHeadIsBounded() {
    let connection = ObservedConnection()
    connection.client("GET /a HTTP/1.1\r\nHost: u\r\n")
    for index in 0..<3000 { connection.client("X-\(index): 0123456789012345\r\n") }
    #expect(!connection.observer.isFollowing && connection.record.kinds == [.other])
  }

  @Test func soManyRequestsWithoutAnAnswerAreNotFollowed() {
    let connection = ObservedConnection()
    for _ in 0..<65 { connection.client("GET / HTTP/1.1\r\nHost: u\r\n\r\n") }
    #expect(!connection.observer.isFollowing && connection.record.exchanges.count == 64)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: u\r\n\r\n", ConnectionKind.http1), ("\u{16}\u{3}", .tls), ("\u{0}", .other),
    ("SSH-2.0-x\r\n\r\n", .other), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2), ("PRI * HTTP/2.1\r\n\r\n", .other),
  ]) func theKindOfAConnection(text: String, kind: ConnectionKind) {
    let connection = ObservedConnection(piece: 1)
    connection.client(text)
    #expect(connection.record.kinds == [kind])
  }
}
