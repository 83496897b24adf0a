import Testing

@testable import Exchanges

@Suite struct ReportedExchangeTests {
  private let place = ObservedPlace(
    way: .intercept, taker: .holder("bob"), service: "user", namespace: "shop", port: 80)

  private func report(isHTTP2: Bool, status: Int, grpc: Int? = nil) throws -> ReportedExchange {
    try #require(
      ReportedExchange(
        isHTTP2: isHTTP2, method: Array("GET".utf8), target: Array("/a?b".utf8), status: status, grpcStatus: grpc,
        end: 10, duration: 0.5, requestSize: 3, answerSize: 4))
  }

  @Test func aReportIsAnExchangeLikeOthers() throws {
    let store = ExchangeStore()
    let follower = store.follow(bodies: false, capacity: 9) { _ in true }
    store.add(try report(isHTTP2: false, status: 200), at: place)
    store.add(try report(isHTTP2: true, status: 200, grpc: 5), at: place)
    store.add(try report(isHTTP2: true, status: 0), at: place)
    store.lose(4, at: place)
    let all = store.all.map { $0.exchange() }
    #expect(all.map(\.version) == ["HTTP/1.1", "HTTP/2", "HTTP/2"])
    #expect(all.allSatisfy { $0.request.method == "GET" && $0.request.target == "/a?b" && $0.request.size == 3 })
    #expect(all.allSatisfy { $0.start == 9.5 && $0.duration == 0.5 && $0.taker == .holder("bob") })
    #expect(all.map { $0.answer?.status } == [200, 200, nil] && all[1].grpcStatus == 5 && all[0].answer?.size == 4)
    let (taken, lost) = follower.take(atMost: 9)
    #expect(taken.count == 3 && lost == 4)
  }

  struct Lie: Sendable {
    var method: String
    var target: String
    var isHTTP2 = false
  }

  static let lies = [
    Lie(method: "", target: "/"), Lie(method: "GET /x", target: "/"), Lie(method: "GET\r\nA", target: "/"),
    Lie(method: "G\u{1b}[2J", target: "/"), Lie(method: "é", target: "/"),
    Lie(method: String(repeating: "G", count: 33), target: "/"), Lie(method: "GET", target: ""),
    Lie(method: "GET", target: "/ HTTP/1.1\r\nAuthorization: x\r\n\r\n"), Lie(method: "GET", target: "/a\nb"),
    Lie(method: "GET", target: "/a\u{0}b", isHTTP2: true), Lie(method: "GET", target: "/a b", isHTTP2: true),
    Lie(method: "GET", target: "/\u{7f}", isHTTP2: true), Lie(method: "", target: "/", isHTTP2: true),
    Lie(method: "GET", target: "/" + String(repeating: "a", count: 1024)),
  ]

  @Test("An agent's report that no request can have is not taken", arguments: lies)
  func refuses(lie: Lie) {
    #expect(
      ReportedExchange(
        isHTTP2: lie.isHTTP2, method: Array(lie.method.utf8), target: Array(lie.target.utf8), status: 200,
        grpcStatus: nil, end: 10, duration: 1, requestSize: 0, answerSize: 0) == nil)
  }

  @Test("An agent's numbers are brought into their bounds")
  func bounds() throws {
    func numbers(_ status: Int, _ duration: Double, _ size: Int) throws -> Exchange {
      let report = try #require(
        ReportedExchange(
          isHTTP2: true, method: Array("CONNECT".utf8), target: [], status: status, grpcStatus: nil, end: 1e9,
          duration: duration, requestSize: size, answerSize: size))
      return report.observed(1, at: place).exchange()
    }
    for status in [-1, 0, 99, 1000, 65_535] { #expect(try numbers(status, 0, 0).answer == nil) }
    let huge = try numbers(200, Double(UInt64.max) / 1e6, Int.max)
    #expect(huge.duration == 31 * 86_400 && huge.start == 1e9 - 31 * 86_400)
    #expect(huge.request.size == 1 << 53 && huge.answer?.size == 1 << 53)
    #expect(try numbers(200, -1, -1).request.size == 0)
    #expect(!HARDocument.write([huge]).isEmpty)
  }
}
