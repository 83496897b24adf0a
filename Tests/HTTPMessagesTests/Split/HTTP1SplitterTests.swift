import Testing

@testable import HTTPMessages

/// An event of a connection.
enum SplitStep: Sendable {
  case client(String)
  case way(Way, String)
  case clientEnds
  case ends(Way)
  case opened(Way)
  case fails(Way)
  case leave
  case renew
  case retire(Way)
}

struct HTTP1SplitterTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let steps: [SplitStep]
    /// The bytes that each connection got.
    let sent: [String: String]
    let log: [String]
    var testDescription: String { name }

    init(_ name: String, _ steps: [SplitStep], _ sent: [String: String], _ log: [String] = []) {
      self.name = name
      self.steps = steps
      self.sent = sent
      self.log = log
    }
  }

  // Requests and answers.
  static func get(_ way: Int, _ more: String = "") -> String {
    "GET /\(way) HTTP/1.1\r\nHost: user\r\n\(way > 0 ? "X-Way: \(way)\r\n" : "")\(more)\r\n"
  }
  static func post(_ way: Int, _ body: String, _ more: String = "") -> String {
    get(way, "Content-Length: \(body.utf8.count)\r\n" + more) + body
  }
  static func ok(_ body: String, _ more: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
  }
  private static let chunks = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nSum: 1\r\n\r\n"
  private static let chunked = "Transfer-Encoding: chunked\r\n"
  private static let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
  private static let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2c\r\nHTTP2-Settings: AA\r\n"
  private static let switched = "HTTP/1.1 101 Switching Protocols\r\n\(upgrade)\r\n"
  private static let goOn = "HTTP/1.1 100 Continue\r\n\r\n"

  static let turns: [Row] = [
    Row(
      "requests in turn",
      [
        .client(get(0)), .way(0, ok("zero")), .client(get(1)), .opened(1), .way(1, ok("one")), .client(get(0)),
        .way(0, ok("more")), .client(get(1)), .way(1, ok("end")),
      ],
      [
        "0": get(0) + get(0), "1": get(1) + get(1), "client": ok("zero") + ok("one") + ok("more") + ok("end"),
      ], ["open 1"]),
    Row(
      "two hosts",
      [
        .client(get(1)), .opened(1), .way(1, ok("one")), .client(get(2)), .opened(2), .way(2, ok("two")),
        .client(get(1)), .way(1, ok("1")),
      ],
      ["1": get(1) + get(1), "2": get(2), "client": ok("one") + ok("two") + ok("1")], ["open 1", "open 2"]),
    Row("a part of a head", [.client("GET / HTTP/1.1\r\nHost")], [:]),
    Row(
      "pipelined requests of way 0", [.client(get(0) + get(0) + get(0)), .way(0, ok("1") + ok("2") + ok("3"))],
      ["0": get(0) + get(0) + get(0), "client": ok("1") + ok("2") + ok("3")]),
    Row(
      "pipelined requests of several ways wait for the answers before them",
      [.client(get(0) + get(1) + get(2) + get(0)), .way(0, ok("0"))],
      ["0": get(0), "1": get(1), "client": ok("0")], ["open 1"]),
    Row(
      "pipelined requests of several ways",
      [
        .client(get(0) + get(1) + post(2, "body") + get(0) + get(0)), .way(0, ok("0")), .opened(1), .way(1, ok("1")),
        .opened(2), .way(2, ok("2")), .way(0, ok("3")), .way(0, ok("4")),
      ],
      [
        "0": get(0) + get(0) + get(0), "1": get(1), "2": post(2, "body"),
        "client": ok("0") + ok("1") + ok("2") + ok("3") + ok("4"),
      ], ["open 1", "open 2"]),
    Row(
      "bodies",
      [
        .client(post(0, "hello")), .way(0, ok("0")), .client(post(1, "world")), .opened(1), .way(1, ok("1")),
        .client(get(0, chunked) + chunks), .way(0, ok("0")), .client(get(1, chunked) + chunks), .way(1, ok("1")),
        .client(get(0)),
      ],
      [
        "0": post(0, "hello") + get(0, chunked) + chunks + get(0), "1": post(1, "world") + get(1, chunked) + chunks,
        "client": ok("0") + ok("1") + ok("0") + ok("1"),
      ], ["open 1"]),
    Row(
      "answers in chunks",
      [
        .client(get(1) + get(0)), .opened(1), .way(1, "HTTP/1.1 200 OK\r\n\(chunked)\r\n\(chunks)"),
        .way(0, "HTTP/1.1 200 OK\r\n\(chunked)\r\n\(chunks)"), .client(get(1)),
      ],
      [
        "0": get(0), "1": get(1) + get(1),
        "client": "HTTP/1.1 200 OK\r\n\(chunked)\r\n\(chunks)HTTP/1.1 200 OK\r\n\(chunked)\r\n\(chunks)",
      ], ["open 1"]),
    Row(
      "an answer that begins before the request's end",
      [
        .client(get(1, "Content-Length: 4\r\n") + "ab"), .opened(1), .way(1, ok("early")), .client("cd" + get(0)),
        .way(0, ok("0")),
      ],
      ["1": get(1, "Content-Length: 4\r\n") + "abcd", "0": get(0), "client": ok("early") + ok("0")], ["open 1"]),
    Row(
      "HEAD, 204 and 304",
      [
        .client("HEAD / HTTP/1.1\r\nX-Way: 1\r\n\r\n" + get(0)), .opened(1),
        .way(1, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), .way(0, "HTTP/1.1 204 No\r\n\r\n"), .client(get(1)),
        .way(1, "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n"), .client(get(0)), .way(0, ok("")), .client(get(1)),
      ],
      [
        "1": "HEAD / HTTP/1.1\r\nX-Way: 1\r\n\r\n" + get(1) + get(1), "0": get(0) + get(0),
        "client": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No\r\n\r\n"
          + "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n" + ok(""),
      ], ["open 1"]),
    Row(
      "a body that is asked for",
      [
        .client(get(1, "Expect: 100-continue\r\nContent-Length: 3\r\n")), .opened(1), .way(1, goOn), .client("abc"),
        .way(1, ok("1")), .client(get(0)),
      ],
      [
        "1": get(1, "Expect: 100-continue\r\nContent-Length: 3\r\n") + "abc", "0": get(0), "client": goOn + ok("1"),
      ], ["open 1"]),
    Row(
      "a body that a host refuses before it comes: the next bytes may be either",
      [
        .client(get(1, "Expect: 100-continue\r\nContent-Length: 3\r\n")), .opened(1), .way(1, ok("no")), .ends(1),
      ],
      ["1": get(1, "Expect: 100-continue\r\nContent-Length: 3\r\n"), "client": ok("no")], ["open 1", "end"]),
    Row(
      "a body that way 0 refuses before it comes",
      [
        .client(get(0, "Expect: 100-continue\r\nContent-Length: 3\r\n")), .way(0, ok("no")), .client(get(1)),
      ],
      ["0": get(0, "Expect: 100-continue\r\nContent-Length: 3\r\n") + get(1), "client": ok("no")]),
    Row(
      "early hints",
      [
        .client(get(1) + get(0)), .opened(1), .way(1, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok("1")),
      ],
      ["1": get(1), "0": get(0), "client": "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok("1")], ["open 1"]),
    Row(
      "an absolute form, and a name's capitals",
      [.client("GET http://user.shop/a HTTP/1.1\r\nx-WAY:  1 \r\n\r\n")],
      ["1": "GET http://user.shop/a HTTP/1.1\r\nx-WAY:  1 \r\n\r\n"], ["open 1"]),
  ]

  static let streams: [Row] = [
    Row(
      "a WebSocket of a host",
      [
        .client(get(1, upgrade) + "early"), .opened(1), .way(1, switched + "frame"), .client(get(0)), .way(1, "more"),
        .ends(1), .clientEnds,
      ],
      ["1": get(1, upgrade) + "early" + get(0), "client": switched + "framemore"],
      ["open 1", "close 0", "fin client", "fin 1", "end"]),
    Row(
      "a WebSocket of way 0", [.client(get(0, upgrade)), .way(0, switched + "frame"), .client(get(1))],
      ["0": get(0, upgrade) + get(1), "client": switched + "frame"]),
    Row(
      "HTTP/2 by an upgrade: a host would get all later requests",
      [.client(get(1, h2c)), .way(0, ok("0")), .client(get(1)), .opened(1), .way(1, ok("1"))],
      ["0": get(1, h2c), "1": get(1), "client": ok("0") + ok("1")], ["open 1"]),
    Row(
      "an upgrade that the host leaves out",
      [.client(get(1, upgrade) + get(0)), .opened(1), .way(1, ok("no"))],
      ["1": get(1, upgrade), "0": get(0), "client": ok("no")], ["open 1"]),
    Row(
      "another protocol that nobody has asked for",
      [.client(get(1)), .opened(1), .way(1, switched + "x"), .ends(1)],
      ["1": get(1), "client": switched + "x"], ["open 1", "end"]),
    Row(
      "a tunnel",
      [
        .client("CONNECT a:1 HTTP/1.1\r\nX-Way: 1\r\n\r\n"), .opened(1), .way(1, "HTTP/1.1 200 OK\r\n\r\n"),
        .client(get(0)),
      ],
      ["1": "CONNECT a:1 HTTP/1.1\r\nX-Way: 1\r\n\r\n" + get(0), "client": "HTTP/1.1 200 OK\r\n\r\n"],
      ["open 1", "close 0"]),
    Row(
      "a tunnel that is refused",
      [
        .client("CONNECT a:1 HTTP/1.1\r\nX-Way: 1\r\n\r\n"), .opened(1),
        .way(1, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), .client(get(0)),
      ],
      [
        "1": "CONNECT a:1 HTTP/1.1\r\nX-Way: 1\r\n\r\n", "0": get(0),
        "client": "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
      ], ["open 1"]),
    Row("no HTTP", [.client("\u{16}\u{3}\u{1}"), .client(get(1))], ["0": "\u{16}\u{3}\u{1}" + get(1)]),
    Row(
      "a server that speaks unasked", [.way(0, "220 mail\r\n"), .client(get(1))],
      ["0": get(1), "client": "220 mail\r\n"]),
    Row(
      "an answer of way 0 that its end ends",
      [.client(get(0)), .way(0, "HTTP/1.0 200 OK\r\n\r\nhello"), .client(get(1)), .ends(0), .clientEnds],
      ["0": get(0) + get(1), "client": "HTTP/1.0 200 OK\r\n\r\nhello"], ["fin client", "fin 0", "end"]),
    Row(
      "an answer of a host that its end ends: no other request follows",
      [.client(get(1)), .opened(1), .way(1, "HTTP/1.0 200 OK\r\n\r\nhello"), .client(get(0)), .ends(1)],
      ["1": get(1), "client": "HTTP/1.0 200 OK\r\n\r\nhello"], ["open 1", "end"]),
    Row(
      "a doubtful answer of a host",
      [
        .client(get(1) + get(0)), .opened(1),
        .way(1, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\(chunked)\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"), .ends(1),
      ],
      ["1": get(1), "client": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\(chunked)\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"],
      ["open 1", "end"]),
  ]

  /// Requests about which two servers may disagree (RFC 9112, sections 2.2, 5, 6.3, 11.2). Each has a second request
  /// inside that a host must not get.
  static let doubtful: [String] = [
    "GET / HTTP/1.1\nX-Way: 1\n\n",
    "GET / HTTP/1.1\r\nX-Way: 1\nA: b\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nA: b\rc\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nA: b\u{0}c\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nA: b\r\n c\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length : 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\n X-Way: 1\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: 3, 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: +3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: 0x3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length:\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\nX-Way: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nA(b): c\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\n: c\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nNo colon\r\n\r\n",
    "GET /a b HTTP/1.1\r\nX-Way: 1\r\n\r\n",
    "GET  / HTTP/1.1\r\nX-Way: 1\r\n\r\n",
    "GET / HTTP/1.1 \r\nX-Way: 1\r\n\r\n",
    "GET / HTTP/1.2\r\nX-Way: 1\r\n\r\n",
    "GET / HTTP/2.0\r\nX-Way: 1\r\n\r\n",
    "GET / http/1.1\r\nX-Way: 1\r\n\r\n",
    "GET /\r\nX-Way: 1\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nX-Way: 1\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nContent-Length: \(String(repeating: "0", count: 100))3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nX-Way: 1\r\nA: \(String(repeating: "x", count: 70_000))\r\n\r\n",
  ]

  static let ends: [Row] = [
    Row(
      "a host that is not reached",
      [.client(post(1, "body")), .fails(1), .way(0, ok("0")), .client(get(1)), .opened(1), .way(1, ok("1"))],
      ["1": post(1, "body"), "1'": get(1), "0": post(1, "body"), "client": ok("0") + ok("1")], ["open 1", "open 1'"]),
    Row(
      "a host that is not reached while a body comes",
      [.client(get(1, "Content-Length: 4\r\n") + "ab"), .fails(1), .client("cd"), .way(0, ok("0")), .client(get(0))],
      [
        "1": get(1, "Content-Length: 4\r\n") + "ab", "0": get(1, "Content-Length: 4\r\n") + "abcd" + get(0),
        "client": ok("0"),
      ], ["open 1"]),
    Row(
      "pipelined requests of a host that is not reached",
      [.client(get(1) + get(1) + get(0)), .fails(1), .way(0, ok("a") + ok("b") + ok("c"))],
      ["1": get(1) + get(1), "0": get(1) + get(1) + get(0), "client": ok("a") + ok("b") + ok("c")], ["open 1"]),
    Row(
      "a client that ends before its host is not reached", [.client(get(1)), .clientEnds, .fails(1), .way(0, ok("0"))],
      ["1": get(1), "0": get(1), "client": ok("0")], ["open 1", "fin 1", "fin 0"]),
    Row(
      "a host that is lost before its answer", [.client(get(1)), .opened(1), .fails(1)], ["1": get(1)],
      ["open 1", "reset"]),
    Row(
      "a host that ends before its answer", [.client(get(1)), .opened(1), .ends(1)], ["1": get(1)],
      ["open 1", "end"]),
    Row(
      "a host that ends within its answer", [.client(get(1)), .opened(1), .way(1, "HTTP/1.1 200 OK\r\n"), .ends(1)],
      ["1": get(1), "client": "HTTP/1.1 200 OK\r\n"], ["open 1", "end"]),
    Row(
      "a host that ends between two requests is connected again",
      [.client(get(1)), .opened(1), .way(1, ok("1")), .ends(1), .client(get(0) + get(1))],
      ["1": get(1), "0": get(0), "client": ok("1")], ["open 1", "close 1"]),
    Row(
      "a host whose rules have ended is closed between two requests",
      [.client(get(1)), .opened(1), .way(1, ok("1")), .retire(1), .client(get(0)), .way(0, ok("0"))],
      ["1": get(1), "0": get(0), "client": ok("1") + ok("0")], ["open 1", "close 1"]),
    Row(
      "a host whose rules have ended ends its answer",
      [.client(post(1, "1234")), .opened(1), .retire(1), .way(1, ok("1")), .client(get(0)), .way(0, ok("0"))],
      ["1": post(1, "1234"), "0": get(0), "client": ok("1") + ok("0")], ["open 1", "close 1"]),
    Row(
      "a host whose rules have ended, and which is not the last one, is closed at once",
      [.client(get(1)), .opened(1), .way(1, ok("1")), .client(get(2)), .opened(2), .retire(1), .way(2, ok("2"))],
      ["1": get(1), "2": get(2), "client": ok("1") + ok("2")], ["open 1", "open 2", "close 1"]),
    Row(
      "a host that closes after its answer",
      [.client(get(1)), .opened(1), .way(1, ok("1", "Connection: close\r\n")), .client(get(0))],
      ["1": get(1), "client": ok("1", "Connection: close\r\n")], ["open 1", "end"]),
    Row(
      "a client that wants the end",
      [.client(get(1, "Connection: x, Close\r\n")), .opened(1), .way(1, ok("1"))],
      ["1": get(1, "Connection: x, Close\r\n"), "client": ok("1")], ["open 1", "end"]),
    Row(
      "a client of HTTP/1.0",
      [.client("GET / HTTP/1.0\r\nX-Way: 1\r\n\r\n"), .opened(1), .way(1, ok("1"))],
      ["1": "GET / HTTP/1.0\r\nX-Way: 1\r\n\r\n", "client": ok("1")], ["open 1", "end"]),
    Row(
      "a client of HTTP/1.0 that keeps alive",
      [
        .client("GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Way: 1\r\n\r\n"), .opened(1), .way(1, ok("1")),
        .client(get(0)),
      ],
      [
        "1": "GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Way: 1\r\n\r\n", "client": ok("1"), "0": get(0),
      ], ["open 1"]),
    Row(
      "way 0 closes after its answer",
      [.client(get(0)), .way(0, ok("0", "Connection: close\r\n")), .ends(0), .clientEnds],
      ["0": get(0), "client": ok("0", "Connection: close\r\n")], ["fin client", "fin 0", "end"]),
    Row(
      "way 0 ends between two requests", [.client(get(0)), .way(0, ok("0")), .ends(0)],
      ["0": get(0), "client": ok("0")], ["close 0", "end"]),
    Row(
      "way 0 ends within its answer",
      [.client(get(0)), .way(0, "HTTP/1.1 2"), .ends(0), .clientEnds], ["0": get(0), "client": "HTTP/1.1 2"],
      ["fin client", "fin 0", "end"]),
    Row(
      "way 0 ends while a host answers, and is connected again",
      [.client(get(1)), .opened(1), .ends(0), .way(1, ok("1")), .client(get(0)), .way(0, ok("0"))],
      ["1": get(1), "0'": get(0), "client": ok("1") + ok("0")], ["open 1", "close 0", "open 0'"]),
    Row(
      "way 0 complains about an idle connection that a host has",
      [.client(get(1)), .opened(1), .way(0, "HTTP/1.1 408 T\r\n\r\n"), .way(1, ok("1")), .client(get(0))],
      ["1": get(1), "0'": get(0), "client": ok("1")], ["open 1", "close 0", "open 0'"]),
    Row(
      "way 0 is not there, and not needed",
      [.fails(0), .client(get(1)), .opened(1), .way(1, ok("1"))], ["1": get(1), "client": ok("1")], ["open 1"]),
    Row(
      "way 0 is not there, and needed", [.fails(0), .client(get(0)), .fails(0)], ["0'": get(0)],
      ["open 0'", "reset"]),
    Row(
      "way 0 is reset between two requests", [.client(get(0)), .way(0, ok("0")), .fails(0)],
      ["0": get(0), "client": ok("0")], ["reset"]),
    Row(
      "a client that ends after its request",
      [.client(get(1)), .clientEnds, .opened(1), .way(1, ok("1")), .ends(0)],
      ["1": get(1), "client": ok("1")], ["open 1", "fin 1", "close 1", "fin 0", "fin client", "end"]),
    Row(
      "a client that ends in silence", [.clientEnds, .ends(0)], [:], ["fin 0", "fin client", "end"]),
    Row(
      "a client that ends within a head", [.client("GET / HT"), .clientEnds, .way(0, "HTTP/1.1 400 Bad\r\n\r\n")],
      ["0": "GET / HT", "client": "HTTP/1.1 400 Bad\r\n\r\n"], ["fin 0"]),
    Row(
      "a client that ends within a body",
      [.client(get(1, "Content-Length: 9\r\n") + "abc"), .opened(1), .clientEnds, .ends(1)],
      ["1": get(1, "Content-Length: 9\r\n") + "abc"], ["open 1", "fin 1", "end"]),
    Row(
      "a body in chunks that turns out wrong at way 0",
      [.client(get(0, chunked) + "3\r\nabcGET "), .client(get(1))], ["0": get(0, chunked) + "3\r\nabcGET " + get(1)]),
    Row(
      "an answer without a request",
      [.client(get(1)), .opened(1), .way(1, ok("1")), .way(1, ok("2")), .client(get(0))],
      ["1": get(1), "0": get(0), "client": ok("1")], ["open 1", "reset 1"]),
    Row(
      "the agent ends between two requests", [.client(get(0)), .way(0, ok("0")), .leave, .leave],
      ["0": get(0), "client": ok("0")], ["end"]),
    Row(
      "way 0 goes elsewhere",
      [.client(get(0)), .renew, .way(0, ok("a")), .client(get(0)), .way(0, ok("b"))],
      ["0": get(0), "0'": get(0), "client": ok("a") + ok("b")], ["close 0", "open 0'"]),
  ]

  /// Feeds the steps' bytes in pieces of a size.
  /// - Parameter driver: nil for one without copies.
  static func run(_ steps: [SplitStep], size: Int, driver: RecordedDriver? = nil) -> RecordedDriver {
    let driver = driver ?? RecordedDriver()
    let splitter = HTTP1Splitter(driver: driver)
    withExtendedLifetime(driver) {
      for step in steps {
        switch step {
        case .client(let text): pieces(text, size) { splitter.received($0, from: .client) }
        case .way(let way, let text): pieces(text, size) { splitter.received($0, from: .way(way)) }
        case .clientEnds: splitter.ended(.client)
        case .ends(let way): splitter.ended(.way(way))
        case .opened(let way): splitter.opened(way)
        case .fails(let way): splitter.failed(way)
        case .leave: splitter.leave()
        case .renew: splitter.renew()
        case .retire(let way): splitter.retire(way)
        }
      }
    }
    return driver
  }

  static func pieces(_ text: String, _ size: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      bytes[start..<min(start + size, bytes.count)].withUnsafeBytes(body)
    }
  }

  @Test(arguments: turns + streams + ends, [1, 3, 17, 100_000])
  func splits(row: Row, size: Int) {
    let driver = Self.run(row.steps, size: size)
    for side in Set(row.sent.keys).union(driver.sent.keys) {
      #expect(driver.text(side) == row.sent[side] ?? "", "\(side)")
    }
    #expect(driver.log == row.log)
  }

  @Test("A doubtful request makes the connection a stream of way 0", arguments: doubtful, [1, 7, 100_000])
  func neverSplits(request: String, size: Int) {
    let first = Self.get(1)
    let inner = Self.get(1)
    let driver = Self.run([.client(first), .opened(1), .client(request + inner), .way(1, Self.ok("1"))], size: size)
    #expect(driver.text("1") == first)
    #expect(driver.text("0") == request + inner)
    #expect(driver.text("client") == Self.ok("1"))
    #expect(driver.log == ["open 1", "close 1"])
  }

  @Test("Without a match, way 0 gets the client's bytes, whatever they are", arguments: doubtful, [1, 100_000])
  func passesAll(request: String, size: Int) {
    let text = Self.post(0, "abc") + request.replacing("X-Way", with: "X-Other") + Self.get(0)
    let driver = Self.run([.client(text)], size: size)
    #expect(driver.text("0") == text)
    #expect(driver.log.isEmpty)
  }

  @Test("A body that turns out wrong ends the connection of a host", arguments: [1, 7, 100_000])
  func wrongBody(size: Int) {
    let request = Self.get(1, Self.chunked) + "3\r\nabc"
    let driver = Self.run([.client(request + "GET / HTTP/1.1\r\n\r\n"), .opened(1)], size: size)
    #expect(request.hasPrefix(driver.text("1")) && driver.sent["0"] == nil)
    #expect(driver.log == ["open 1", "reset"])
  }

  @Test("A request and an answer cut anywhere")
  func everyBoundary() {
    let requests = Self.post(0, "hello") + Self.get(1, Self.chunked) + Self.chunks + Self.get(0)
    let answer = "HTTP/1.1 200 OK\r\n\(Self.chunked)\r\n\(Self.chunks)"
    for cut in 1..<requests.utf8.count {
      let (one, two) = (String(requests.prefix(cut)), String(requests.dropFirst(cut)))
      for answerCut in [1, 9, 17, 30, answer.utf8.count - 1] {
        let driver = Self.run(
          [
            .client(one), .client(two), .way(0, String(answer.prefix(answerCut))),
            .way(0, String(answer.dropFirst(answerCut))), .opened(1), .way(1, answer),
          ], size: 100_000)
        #expect(driver.text("0") == Self.post(0, "hello") + Self.get(0))
        #expect(driver.text("1") == Self.get(1, Self.chunked) + Self.chunks)
        #expect(driver.text("client") == answer + answer)
      }
    }
  }

  @Test("Stops reading where bytes wait")
  func backPressure() {
    let driver = RecordedDriver()
    let splitter = HTTP1Splitter(driver: driver)
    func receive(_ text: String, _ side: SplitSide) {
      Array(text.utf8).withUnsafeBytes { splitter.received($0, from: side) }
    }
    #expect(splitter.mayRead(from: .client) && splitter.mayRead(from: .way(0)))
    receive(Self.get(1, "Content-Length: 200000\r\n"), .client)
    #expect(splitter.mayRead(from: .client))
    receive(String(repeating: "x", count: 64 << 10), .client)
    #expect(!splitter.mayRead(from: .client), "the host has not answered yet, and all is kept")
    #expect(splitter.heldBytes > 64 << 10)
    splitter.opened(1)
    #expect(splitter.mayRead(from: .client) && splitter.heldBytes == 0)
    driver.waiting = ["1": 1]
    #expect(!splitter.mayRead(from: .client))
    driver.waiting = ["client": 1]
    #expect(splitter.mayRead(from: .client) && !splitter.mayRead(from: .way(1)) && splitter.mayRead(from: .way(0)))
    driver.waiting = [:]
    receive(String(repeating: "x", count: 200_000 - (64 << 10)) + Self.get(0), .client)
    #expect(!splitter.mayRead(from: .client), "the next request waits for the answer")
    receive(Self.ok("1"), .way(1))
    #expect(splitter.mayRead(from: .client) && driver.text("0") == Self.get(0))
    withExtendedLifetime(driver) {}
  }
}
