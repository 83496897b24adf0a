import Testing

@testable import HTTPMessages

/// An agent that ends.
extension HTTP1SplitterTests {
  /// An answer that says that the connection ends.
  private static func last(_ answer: String) -> String {
    answer.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
  }

  static let leaving: [([SplitStep], String)] = [
    ([.client(get(1)), .opened(1), .leave, .way(1, ok("1"))], last(ok("1"))),
    ([.leave, .client(get(0)), .way(0, ok("0"))], last(ok("0"))),
    ([.client(get(0) + get(0)), .leave, .way(0, ok("a") + ok("b"))], ok("a") + last(ok("b"))),
    ([.client(get(0)), .leave, .way(0, early + ok("0"))], early + last(ok("0"))),
    ([.client(get(0)), .leave, .way(0, empty)], last(empty)),
    (
      [.client(get(0)), .way(0, "HTTP/1.1 200 OK\r\n"), .leave, .way(0, "Content-Length: 1\r\n\r\nx")],
      last("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    ),
  ]
  private static let early = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
  private static let empty = "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"

  @Test("An agent that ends tells the client so with its last answer", arguments: leaving)
  func leaves(steps: [SplitStep], answers: String) {
    let driver = Self.run(steps, size: 100_000)
    #expect(driver.text("client") == answers)
    #expect(driver.log.last == "end")
  }

  @Test("A head whose end comes in pieces is not changed; the connection ends a moment later")
  func leavesInPieces() {
    let driver = Self.run([.client(Self.get(0)), .leave, .way(0, Self.ok("0")), .leave], size: 1)
    #expect(driver.text("client") == Self.ok("0"))
    #expect(driver.log == ["end"])
  }

  @Test("An agent that ends takes no request before the last answer, but the rest of a body")
  func leavesWithoutRequests() {
    let driver = RecordedDriver()
    let splitter = HTTP1Splitter(driver: driver)
    withExtendedLifetime(driver) {
      Self.pieces(String(Self.post(0, "abc").dropLast()), 1000) { splitter.received($0, from: .client) }
      splitter.leave()
      #expect(splitter.mayRead(from: .client))
      Self.pieces("c", 1) { splitter.received($0, from: .client) }
      #expect(!splitter.mayRead(from: .client))
    }
  }
}
