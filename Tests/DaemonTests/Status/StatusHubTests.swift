import ControlAPI
import Testing

@testable import Daemon

private struct Missing: Error { var what: String }

@Suite(.timeLimit(.minutes(1)))
struct StatusHubTests {
  private func events(_ fixture: DaemonFixture) throws -> (AsyncStream<StatusEvent>, Task<Void, any Error>) {
    let (events, feed) = AsyncStream<StatusEvent>.makeStream()
    let client = try fixture.client()
    let task = Task {
      defer { feed.finish() }
      _ = try await client.call(WatchStatusRequest()) { (event: StatusEvent) in feed.yield(event) }
    }
    return (events, task)
  }

  @Test func aReaderGetsTheStateThenItsChanges() async throws {
    try await DaemonFixture.with { fixture in
      let (stream, task) = try events(fixture)
      var iterator = stream.makeAsyncIterator()
      guard case .snapshot(let first) = await iterator.next()?.change else { throw Missing(what: "no snapshot") }
      #expect(first.daemon?.socket == fixture.paths.socket)
      #expect(first.intercepts.isEmpty)
      let report = try await fixture.call(DaemonFixture.request)
      #expect(await iterator.next()?.change == .added(StatusItem(id: "test/default/user", value: .intercept(report))))
      // A second reader begins with what is there.
      let (other, second) = try events(fixture)
      guard case .snapshot(let later) = await other.first(where: { _ in true })?.change else {
        throw Missing(what: "no second snapshot")
      }
      #expect(later.intercepts == [report])
      _ = try await fixture.call(LeaveRequest(service: "user"))
      #expect(await iterator.next()?.change == .removed(.init(kind: .intercept, id: "test/default/user")))
      // The end of the daemon is the end of the stream.
      _ = try await fixture.call(QuitRequest())
      #expect(await iterator.next() == nil)
      try await task.value
      try await second.value
    }
  }

  @Test func aReaderThatStopsGetsASnapshotInPlaceOfWhatItMissed() async throws {
    let engine = FakeEngine()
    let daemon = DaemonReport(pid: 1, version: "1", since: "now", socket: "/s", log: "/l")
    let hub = StatusHub(engine: engine, daemon: daemon, spacing: .zero, tick: .seconds(60))
    let (given, give) = AsyncStream<[StatusEvent]>.makeStream()
    let (gate, open) = AsyncStream<Void>.makeStream()
    let reader = Task {
      await hub.follow { events in
        give.yield(events)
        for await _ in gate { return }
      }
    }
    var batches = given.makeAsyncIterator()
    guard case .snapshot = await batches.next()?.first?.change else { throw Missing(what: "no snapshot") }
    for index in 0..<40 {
      _ = try await engine.intercept(InterceptRequest(cluster: ClusterSelection(), service: "s\(index)", ports: [])) {
        _ in
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    open.yield()
    guard case .snapshot(let caughtUp) = await batches.next()?.first?.change else {
      throw Missing(what: "changes in place of a snapshot")
    }
    #expect(caughtUp.intercepts.count > 10)
    open.finish()
    var known = caughtUp.items
    while StatusReport(items: known).intercepts.count < 40, let batch = await batches.next() {
      for event in batch { known.take(event.change) }
    }
    #expect(Set(StatusReport(items: known).intercepts.map(\.service)).count == 40)
    reader.cancel()
    await reader.value
  }
}
