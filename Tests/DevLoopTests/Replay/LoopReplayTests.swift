import Exchanges
import Replay
import Synchronization
import Testing

@testable import DevLoop

@Suite(.timeLimit(.minutes(1))) struct LoopReplayTests {
  static func exchange(_ service: String, port: Int = 80) -> Exchange {
    Exchange(
      id: 1, way: .intercept, taker: .host, service: service, namespace: "shop", port: port, version: "HTTP/1.1",
      start: 0,
      request: .init(method: "GET", authority: service, target: "/"), answer: .init(status: 200))
  }

  static let web = ForwardedPort(target: "svc/web", port: "80", address: "127.0.0.1", host: 8080)
  static let metrics = ForwardedPort(target: "svc/web", port: "9100", address: "127.0.0.1", host: 9100)
  static let user = ForwardedPort(target: "svc/user", port: "80", address: "127.0.0.1", host: 8081)

  @Test func eachRequestGoesToItsServicesPort() {
    let exchanges = [
      Self.exchange("web"), Self.exchange("user"), Self.exchange("web", port: 9100), Self.exchange("db"),
    ]
    let groups = LoopReplay.groups(exchanges, [Self.web, Self.metrics, Self.user], nil)
    #expect(groups.map(\.host?.port) == [8080, 8081, 9100, nil])
    #expect(
      groups.last?.obstacle == "no port is forwarded to Service db: --replay-to HOST:PORT says where they go")
  }

  @Test func aPortThatTheServiceDoesNotHaveIsItsFirst() {
    // The number may be that of the Pods.
    #expect(
      LoopReplay.groups([Self.exchange("web", port: 3000)], [Self.web, Self.metrics], nil).map(\.host?.port) == [8080])
  }

  @Test func requestsOfABrowserNeedOnePort() {
    #expect(LoopReplay.groups([Self.exchange("")], [Self.web], nil).map(\.host?.port) == [8080])
    #expect(LoopReplay.groups([Self.exchange("")], [Self.web, Self.user], nil).map(\.host?.port) == [nil])
  }

  @Test func aGivenPlaceIsForAll() {
    let groups = LoopReplay.groups([Self.exchange("web"), Self.exchange("db")], [Self.web], (host: "::1", port: 1))
    #expect(groups.map(\.exchanges.count) == [2])
    #expect(groups.first?.host == .init(address: "::1", port: 1))
  }

  @Test func nothingThatAnswersIsNoEndOfTheLoop() async throws {
    let replay = LoopReplay([Self.exchange("db")], ReplayOptions())
    let event = try #require(await replay.replay([]))
    #expect(event.summary == "0 of 0 answers the same; 1 not sent")
    #expect(
      event.details == ["1 not sent: no port is forwarded to Service db: --replay-to HOST:PORT says where they go"])
  }

  // MARK: In the loop

  final class Fake: AnswerReplaying {
    let runs = Mutex(0)
    let gate = Gate()
    let isHeld: Bool

    init(held: Bool = false) { isHeld = held }

    func replay(_ ports: [ForwardedPort]) async -> DevEvent.Replayed? {
      let run = runs.withLock { runs in
        runs += 1
        return runs
      }
      if isHeld, run == 2 { try? await gate.hold() }
      if Task.isCancelled { return nil }
      return .init(same: 0, differs: run, failed: 0, skipped: 0, summary: "run \(run)", details: [], milliseconds: 1)
    }
  }

  @Test func theTimelineOfEachSaveEndsWithIt() async throws {
    try await Workbench.with(replay: Fake()) { bench, events in
      for run in 2...3 {
        try await bench.save("new \(run)", to: "app/main")
        try await events.until { if case .timeline = $0 { true } else { false } }
        let next = await events.next()
        guard case .replayed(let event)? = next else {
          Issue.record("the timeline is followed by \(String(describing: next))")
          return
        }
        #expect(event.summary == "run \(run)")
        try await events.untilWatching()
      }
    }
  }

  @Test func aSaveEndsAReplayUnderWay() async throws {
    let fake = Fake(held: true)
    try await Workbench.with(replay: fake) { bench, events in
      try await bench.save("new", to: "app/main")
      await fake.gate.untilHeld()
      try await bench.save("newer", to: "app/main")
      let event = try await events.until { if case .replayed = $0 { true } else { false } }
      guard case .replayed(let outcome) = event else { return }
      #expect(outcome.summary == "run 3")
    }
  }
}
