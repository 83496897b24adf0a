import Testing

@testable import Exchanges

@Suite struct ReportedExchangeTests {
  private let place = ObservedPlace(
    way: .intercept, taker: .holder("bob"), service: "user", namespace: "shop", port: 80)

  private func report(isHTTP2: Bool, status: Int, grpc: Int? = nil) -> ReportedExchange {
    ReportedExchange(
      isHTTP2: isHTTP2, method: Array("GET".utf8), target: Array("/a?b".utf8), status: status, grpcStatus: grpc,
      end: 10,
      duration: 0.5, requestSize: 3, answerSize: 4)
  }

  @Test func aReportIsAnExchangeLikeOthers() {
    let store = ExchangeStore()
    let follower = store.follow(bodies: false, capacity: 9) { _ in true }
    store.add(report(isHTTP2: false, status: 200), at: place)
    store.add(report(isHTTP2: true, status: 200, grpc: 5), at: place)
    store.add(report(isHTTP2: true, status: 0), at: place)
    store.lose(4, at: place)
    let all = store.all.map { $0.exchange() }
    #expect(all.map(\.version) == ["HTTP/1.1", "HTTP/2", "HTTP/2"])
    #expect(all.allSatisfy { $0.request.method == "GET" && $0.request.target == "/a?b" && $0.request.size == 3 })
    #expect(all.allSatisfy { $0.start == 9.5 && $0.duration == 0.5 && $0.taker == .holder("bob") })
    #expect(all.map { $0.answer?.status } == [200, 200, nil] && all[1].grpcStatus == 5 && all[0].answer?.size == 4)
    let (taken, lost) = follower.take(atMost: 9)
    #expect(taken.count == 3 && lost == 4)
  }
}
