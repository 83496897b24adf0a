import ControlAPI
import DevLoop
import Synchronization
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct LoopInterceptTests {
  private let report = InterceptReport(
    context: "remote", cluster: ClusterIdentity(server: "https://remote"), namespace: "shop", service: "user",
    workload: "Deployment/user", state: .active, ports: [], holder: "me", since: "")

  /// The events of an intercept that fails so many times before it is active.
  private func events(failures: Int, _ other: InterceptReport? = nil) async -> [DevEvent] {
    let report = other ?? report
    let (events, event) = AsyncStream.makeStream(of: DevEvent.self)
    let attempts = Mutex(0)
    let intercept = LoopIntercept(
      request: InterceptRequest(cluster: ClusterSelection(), service: "user", ports: []), name: "user",
      retryAfter: .milliseconds(1),
      events: { event.yield($0) }
    ) { _, stands async throws(ControlError) in
      if attempts.withLock({
        $0 += 1
        return $0
      }) <= failures {
        throw ControlError(.failed, "it refuses")
      }
      stands(report)
      try? await Task.sleep(for: .seconds(60))
    } leave: { _ in
    }
    let (rounds, round) = AsyncStream.makeStream(of: Void.self)
    round.yield()
    let task = Task { await intercept.begin(when: rounds) { _ in nil } }
    var seen: [DevEvent] = []
    for await event in events {
      seen.append(event)
      if case .intercepted = event { break }
    }
    task.cancel()
    await task.value
    await intercept.end()
    return seen
  }

  @Test("A mirror, and an intercept of some requests, say so")
  func saysWhichRequests() async {
    var report = report
    report.rules = .mirror
    let events = await events(failures: 0, report)
    guard case .intercepted(let event) = events.last else { return #expect(Bool(false), "it does not begin") }
    #expect(event.requests == "copies of all that arrives")
    #expect(EventLines().lines(.intercepted(event)).last == "  copies of all that arrives")
  }

  @Test func itIsTriedAgainWithoutASave() async {
    #expect(await events(failures: 1).count == 1)
  }

  @Test func whatFailsAgainAndAgainIsSaidOnce() async {
    let events = await events(failures: 5)
    #expect(events.count == 2)
    guard case .failed(let error) = events.first else { return #expect(Bool(false), "no failure was told") }
    #expect(error.stage == .intercepting && error.message == "it refuses")
  }
}
