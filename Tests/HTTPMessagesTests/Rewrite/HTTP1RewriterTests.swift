import Testing

@testable import HTTPMessages

@Suite struct HTTP1RewriterTests {
  static let rewrite: HeadRewrite = {
    var rewrite = HeadRewrite(
      host: Array("user.shop:8080".utf8),
      fields: [.init(name: Array("x-devtunnel".utf8), value: Array("alice".utf8))],
      baggage: [Array("devtunnel=alice".utf8)])
    rewrite.aliases = ["user:8080", "user.shop.svc:8080"].map { Array($0.utf8) }
    return rewrite
  }()

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Bytes of the client (`>`) and of the server (`<`), in order, and those that come out.
    let events: [String]
    let server: String
    let client: String
    var ends = false
  }

  static let mark = "x-devtunnel: alice\r\nbaggage: devtunnel=alice\r\n\r\n"
  static let get = ">GET / HTTP/1.1\r\nHost: localhost:4000\r\n\r\n"
  static let gotten = "GET / HTTP/1.1\r\nHost: user.shop:8080\r\n" + mark

  static let cases = [
    Case(
      testDescription: "a mark is set, and replaces one",
      events: [">GET /a?b HTTP/1.1\r\nHost: localhost:4000\r\nX-Devtunnel: bob\r\nAccept:*/*\r\n\r\n"],
      server: "GET /a?b HTTP/1.1\r\nHost: user.shop:8080\r\nAccept: */*\r\n" + mark, client: ""),
    Case(
      testDescription: "baggage is added to",
      events: [">GET / HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nBaggage: a=b\r\n\r\n"],
      server: "GET / HTTP/1.1\r\nHost: user.shop:8080\r\nBaggage: a=b,devtunnel=alice\r\nx-devtunnel: alice\r\n\r\n",
      client: ""),
    Case(
      testDescription: "Origin and Referer of this page, and of others",
      events: [
        ">GET / HTTP/1.1\r\nHost: localhost:4000\r\nOrigin: http://localhost:4000\r\n"
          + "Referer: http://LOCALHOST:4000/a\r\n\r\n",
        ">GET / HTTP/1.1\r\nHost: localhost:4000\r\nOrigin: http://[::1]\r\nReferer: http://[::1]/a\r\n\r\n",
      ],
      server: "GET / HTTP/1.1\r\nHost: user.shop:8080\r\nOrigin: http://user.shop:8080\r\n"
        + "Referer: http://user.shop:8080/a\r\n" + mark
        + "GET / HTTP/1.1\r\nHost: user.shop:8080\r\nOrigin: http://[::1]\r\nReferer: http://[::1]/a\r\n"
        + mark,
      client: ""),
    Case(
      testDescription: "bodies pass as they came, pipelined",
      events: [
        ">POST /a HTTP/1.1\r\nHost: [::1]:4000\r\nContent-Length: 13\r\n\r\nHost: a\r\n\r\nGE"
          + "PUT /b HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n"
          + "HEAD http://localhost:4000/c HTTP/1.1\r\nHost: x\r\n\r\n"
      ],
      server: "POST /a HTTP/1.1\r\nHost: user.shop:8080\r\nContent-Length: 13\r\n" + mark + "Host: a\r\n\r\nGE"
        + "PUT /b HTTP/1.1\r\nHost: user.shop:8080\r\nTransfer-Encoding: chunked\r\n" + mark
        + "3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n" + "HEAD /c HTTP/1.1\r\nHost: user.shop:8080\r\n" + mark, client: ""),
    Case(
      testDescription: "redirects of the server come back",
      events: [
        get,
        "<HTTP/1.1 302 Found\r\nLocation: http://user.shop:8080/login?x\r\nContent-Length: 2\r\n\r\nhi", get,
        "<HTTP/1.1 302 Found\r\nLocation: https://User.shop:8080\r\nRefresh: 5; URL=http://user:8080/a\r\n"
          + "Content-Length: 0\r\n\r\n",
        get,
        "<HTTP/1.1 302 Found\r\nLocation: http://user.shop:80801/\r\nContent-Location: /a\r\nContent-Length: 0\r\n\r\n",
      ],
      server: gotten + gotten + gotten,
      client: "HTTP/1.1 302 Found\r\nLocation: http://localhost:4000/login?x\r\nContent-Length: 2\r\n\r\nhi"
        + "HTTP/1.1 302 Found\r\nLocation: http://localhost:4000\r\nRefresh: 5; URL=http://localhost:4000/a\r\n"
        + "Content-Length: 0\r\n\r\n"
        + "HTTP/1.1 302 Found\r\nLocation: http://user.shop:80801/\r\nContent-Location: /a\r\nContent-Length: 0\r\n\r\n"
    ),
    Case(
      testDescription: "cookies are this machine's",
      events: [
        get,
        "<HTTP/1.1 204 No Content\r\nSet-Cookie: a=secure; Path=/; Domain=.shop; Secure; SameSite=None; HttpOnly\r\n"
          + "Set-Cookie: __Host-b=1; Secure; SameSite=Lax\r\n\r\n",
      ],
      server: gotten,
      client: "HTTP/1.1 204 No Content\r\nSet-Cookie: a=secure; Path=/; HttpOnly\r\n"
        + "Set-Cookie: __Host-b=1; Secure; SameSite=Lax\r\n\r\n"),
    Case(
      testDescription: "answers without a body, 100 before one, and one that ends with the connection",
      events: [
        ">HEAD / HTTP/1.1\r\nHost: localhost:4000\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", get,
        "<HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", get,
        "<HTTP/1.1 200 OK\r\nLocation: http://user.shop:8080/\r\n\r\nLocation: http://user.shop:8080/\r\n\r\n",
      ],
      server: "HEAD / HTTP/1.1\r\nHost: user.shop:8080\r\n" + mark + gotten + gotten,
      client: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        + "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
        + "HTTP/1.1 200 OK\r\nLocation: http://localhost:4000/\r\n\r\nLocation: http://user.shop:8080/\r\n\r\n"),
    Case(
      testDescription: "a WebSocket's frames pass as they came",
      events: [
        ">GET /ws HTTP/1.1\r\nHost: localhost:4000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly",
        "<HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET ",
        ">GET / HTTP/1.1\r\n\r\n",
      ],
      server: "GET /ws HTTP/1.1\r\nHost: user.shop:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + mark
        + "earlyGET / HTTP/1.1\r\n\r\n",
      client: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET "),
    Case(
      testDescription: "a refused WebSocket leaves HTTP/1.1",
      events: [
        ">GET /ws HTTP/1.1\r\nHost: localhost:4000\r\nUpgrade: websocket\r\n\r\n"
          + "GET / HTTP/1.1\r\nHost: localhost:4000\r\n\r\n",
        "<HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      ],
      server: "GET /ws HTTP/1.1\r\nHost: user.shop:8080\r\nUpgrade: websocket\r\n" + mark + gotten,
      client: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    Case(
      testDescription: "no connection becomes HTTP/2 half-way",
      events: [
        ">GET / HTTP/1.1\r\nHost: localhost:4000\r\nConnection: Upgrade, HTTP2-Settings, te\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABk\r\n\r\n"
      ],
      server: "GET / HTTP/1.1\r\nHost: user.shop:8080\r\nConnection:  te\r\n" + mark, client: ""),
    Case(
      testDescription: "an answer without a sound framing passes",
      events: [get, "<HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"], server: gotten,
      client: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    Case(
      testDescription: "a name that a foreign page may have led here",
      events: [">GET / HTTP/1.1\r\nHost: evil.example:4000\r\n\r\n"], server: "",
      client: "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"
        + "devtunnel open answers to localhost, *.localhost and IP addresses only\n", ends: true),
    Case(
      testDescription: "a request that is not sound", events: [">GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"],
      server: "",
      client: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"
        + "the request is not sound\n", ends: true),
  ]

  /// Gives events in pieces of a size.
  static func run(_ events: [String], pieces: Int) -> (server: String, client: String, ends: Bool) {
    let rewriter = HTTPRewriter(rewrite)
    var (server, client): ([UInt8], [UInt8]) = ([], [])
    for event in events {
      var rest = Array(event.utf8.dropFirst())[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(pieces))
        rest = rest.dropFirst(pieces)
        let goesOn = piece.withUnsafeBytes { bytes in
          rewriter.received(bytes, fromClient: event.first == ">") { bytes, toClient in
            if toClient { client += bytes } else { server += bytes }
          }
        }
        guard goesOn else {
          return (String(decoding: server, as: UTF8.self), String(decoding: client, as: UTF8.self), true)
        }
      }
    }
    return (String(decoding: server, as: UTF8.self), String(decoding: client, as: UTF8.self), false)
  }

  @Test(arguments: cases)
  func headsAreRewritten(example: Case) {
    for pieces in [1, 2, 3, 7, 4096] {
      let result = Self.run(example.events, pieces: pieces)
      #expect(result.server == example.server, "in pieces of \(pieces)")
      #expect(result.client == example.client, "in pieces of \(pieces)")
      #expect(result.ends == example.ends, "in pieces of \(pieces)")
    }
  }

  @Test(arguments: [
    ("localhost", true), ("LOCALHOST:80", true), ("a.localhost:4000", true), ("127.0.0.1", true), ("[::1]:80", true),
    ("user.shop", false), ("", true), ("evil.example", false), ("localhost.evil.example", false), ("xlocalhost", false),
    ("1.2.3.4.nip.io", false),
  ])
  func namesThatAreAnswered(name: String, isAllowed: Bool) {
    #expect(Self.rewrite.allows(Array(name.utf8)) == isAllowed)
  }

  @Test func theNameThatTheUserGaveIsAnswered() {
    var rewrite = Self.rewrite
    rewrite.allowsHost = true
    #expect(rewrite.allows(Array("user.shop:80".utf8)))
    #expect(!rewrite.allows(Array("other.shop".utf8)))
  }

  /// They would have the mark, and what --header sets.
  @Test(arguments: [
    ("", true), ("Origin: http://localhost:3000", true), ("Origin: https://127.0.0.1", true),
    ("Origin: http://evil.example", false), ("Origin: null", false), ("Origin: http://localhost.evil.example", false),
    ("Sec-Fetch-Site: cross-site", false), ("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate", true),
    ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors", true),
    ("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nOrigin: http://evil.example", false),
  ])
  func pagesOfOtherSitesAreRefused(fields: String, isAllowed: Bool) {
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\n" + (fields.isEmpty ? "" : fields + "\r\n") + "\r\n"
    let result = Self.run([">" + head], pieces: 4096)
    #expect(result.client.hasPrefix("HTTP/1.1 403") == !isAllowed)
    #expect(result.server.isEmpty == !isAllowed)
  }

  @Test func anEndlessHeadEndsTheConnection() {
    let line = ">GET / HTTP/1.1\r\nHost: localhost\r\n" + String(repeating: "a: b\r\n", count: 30_000)
    let result = Self.run([line], pieces: 4096)
    #expect(result.ends)
    #expect(result.client.hasPrefix("HTTP/1.1 431"))
  }

  @Test(arguments: [1, 10]) func aServerThatSpeaksFirstIsNoneOfHTTP(pieces: Int) {
    #expect(Self.run(["<220 mail\r\n"], pieces: pieces).ends)
    let late = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    #expect(Self.run(["<" + late, Self.get], pieces: pieces).client == late)
  }

  /// Each would be looked through at every position.
  @Test func longFieldsAreNotSearched() {
    let long = String(repeating: "h2", count: 600)
    let upgrade = Self.run([">GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: \(long)\r\n\r\n"], pieces: 4096)
    #expect(upgrade.server.hasPrefix("GET / ") && !upgrade.server.contains("Upgrade"))
    let answer =
      "HTTP/1.1 204 No Content\r\nRefresh: 5; \(String(repeating: "u", count: 5000))url=http://user.shop:8080/\r\n\r\n"
    #expect(Self.run([Self.get, "<" + answer], pieces: 4096).client == answer)
  }
}
