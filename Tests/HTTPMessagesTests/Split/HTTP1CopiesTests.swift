import Testing

@testable import HTTPMessages

/// Copies of requests of HTTP/1.1 and of other protocols, whichever way the originals go.
struct HTTP1CopiesTests {
  private static func get(_ path: String, way: Int = 0, copy: String? = "a", _ more: String = "") -> String {
    "GET /\(path) HTTP/1.1\r\nHost: user\r\n\(way > 0 ? "X-Way: \(way)\r\n" : "")"
      + "\(copy.map { "X-Copy: \($0)\r\n" } ?? "")\(more)\r\n"
  }
  private static func post(_ path: String, way: Int = 0, copy: String? = "a", _ body: String) -> String {
    get(path, way: way, copy: copy, "Content-Length: \(body.utf8.count)\r\n") + body
  }
  private static func ok(_ body: String) -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }
  private static let chunks = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nSum: 1\r\n\r\n"
  private static let chunked = "Transfer-Encoding: chunked\r\n"

  private static func driver() -> RecordedDriver {
    let driver = RecordedDriver()
    driver.copyRules = [11: "a", 12: "b*"]
    return driver
  }

  private static func run(_ steps: [SplitStep], size: Int, _ driver: RecordedDriver = driver()) -> RecordedDriver {
    HTTP1SplitterTests.run(steps, size: size, driver: driver)
  }

  @Test("Whole requests that match are copied, whoever gets them", arguments: [1, 2, 7, 100_000])
  func copies(size: Int) {
    let one = Self.post("1", "hello")
    let two = Self.get("2", way: 1)
    let three = Self.get("3", copy: nil)
    let four = Self.get("4", copy: "b2", Self.chunked) + Self.chunks
    let driver = Self.run(
      [
        .client(one), .way(0, Self.ok("1")), .client(two), .opened(1), .way(1, Self.ok("2")), .client(three),
        .way(0, Self.ok("3")), .client(four), .way(0, Self.ok("4")), .client(one),
      ], size: size)
    #expect(driver.copies(11) == [one + two + one])
    #expect(driver.copies(12) == [four])
    #expect(driver.text("0") == one + three + four + one && driver.text("1") == two)
    #expect(driver.text("client") == Self.ok("1") + Self.ok("2") + Self.ok("3") + Self.ok("4"))
  }

  @Test("Pipelined requests cut anywhere")
  func everyBoundary() {
    let one = Self.post("1", copy: nil, "hello")
    let two = Self.get("2", Self.chunked) + Self.chunks
    let three = Self.get("3", copy: "b")
    let four = Self.post("4", way: 1, "x")
    let five = Self.get("5", copy: nil)
    let all = one + two + three + four + five
    for cut in 1..<all.utf8.count {
      let driver = Self.run(
        [
          .client(String(all.prefix(cut))), .client(String(all.dropFirst(cut))), .way(0, Self.ok("1") + Self.ok("2")),
          .way(0, Self.ok("3")), .opened(1), .way(1, Self.ok("4")),
        ], size: 100_000)
      #expect(driver.copies(11) == [two + four], "\(cut)")
      #expect(driver.copies(12) == [three], "\(cut)")
      #expect(driver.text("0") == one + two + three + five && driver.text("1") == four, "\(cut)")
    }
  }

  @Test("A request that is sent again, since its host refuses, is copied once", arguments: [1, 100_000])
  func fallsBack(size: Int) {
    let request = Self.post("1", way: 1, "body")
    let driver = Self.run([.client(request), .fails(1), .way(0, Self.ok("1"))], size: size)
    #expect(driver.copies(11) == [request] && driver.text("0") == request)
  }

  @Test("The rest of a request that does not fit is not copied, and the next one is", arguments: [1, 7, 100_000])
  func overflow(size: Int) {
    let driver = Self.driver()
    driver.copyLimits = [11: 100]
    let big = Self.post("1", String(repeating: "x", count: 500))
    let next = Self.get("2")
    _ = Self.run([.client(big), .way(0, Self.ok("1")), .client(next)], size: size, driver)
    let copies = driver.copies(11)
    #expect(copies.count == 2 && copies.last == next && big.hasPrefix(copies[0]))
    #expect(driver.lostCopies == [11: 1] && driver.text("0") == big + next)
  }

  @Test("A host that wants all bytes gets all, of any form", arguments: [1, 7, 100_000])
  func everything(size: Int) {
    let texts = [
      Self.post("1", "abc") + "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" + Self.get("2"),
      "\u{1}\u{2}binary\r\n\r\nGET / HTTP/1.1\r\n\r\n", Self.get("1", Self.chunked) + "3\r\nabcd\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost",
    ]
    for text in texts {
      let driver = Self.driver()
      driver.wholeCopies = [13]
      _ = Self.run([.client(text), .clientEnds], size: size, driver)
      #expect(driver.copies(13) == [text] && driver.text("0") == text)
    }
  }

  @Test("A copy by rules ends where the messages are doubtful", arguments: [1, 7, 100_000])
  func doubtful(size: Int) {
    let good = Self.get("1")
    let bad = "GET / HTTP/1.1\r\nX-Copy: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    let driver = Self.run([.client(good + bad + good)], size: size)
    #expect(driver.copies(11) == [good] && driver.text("0") == good + bad + good)
    let body = Self.run([.client(Self.get("1", Self.chunked) + "3\r\nabcd\r\n")], size: size)
    #expect(body.log == ["reset copy 11"], "a host must not take what may be another request")
  }

  @Test("Another protocol that was agreed on is copied with the request for it", arguments: [1, 100_000])
  func upgrade(size: Int) {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    let request = Self.get("1", upgrade)
    let other = Self.get("2", copy: "b", upgrade)
    let steps: [SplitStep] = [
      .client(other), .way(0, Self.ok("no")), .client(request), .way(0, "HTTP/1.1 101 Switching\r\n\(upgrade)\r\n"),
      .client("frames"), .clientEnds,
    ]
    let driver = Self.run(steps, size: size)
    #expect(driver.copies(11) == [request + "frames"] && driver.copies(12) == [other])
    #expect(driver.text("0") == other + request + "frames")
    let h2c = Self.get("1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n")
    #expect(Self.run([.client(h2c)], size: size).copies(11) == [])
  }

  @Test("A server that speaks first")
  func serverFirst() {
    let driver = Self.driver()
    driver.wholeCopies = [13]
    let splitter = HTTP1Splitter(driver: driver, isStream: true)
    Array("EHLO me\r\n".utf8).withUnsafeBytes { splitter.received($0, from: .client) }
    splitter.ended(.client)
    #expect(driver.copies(13) == ["EHLO me\r\n"] && driver.copies(11) == [])
    #expect(driver.log == ["close copy 13", "fin 0"])
  }
}
