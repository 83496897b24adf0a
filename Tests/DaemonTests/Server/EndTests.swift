import Foundation
import Testing

@testable import ControlAPI

/// The end of requests when the command or the daemon ends.
@Suite(.timeLimit(.minutes(1)))
struct EndTests {
  @Test func aCommandThatGoesAwayCancelsItsRequest() async throws {
    try await DaemonFixture.with(FakeEngine(pace: .untilCancelled)) { fixture in
      let connection = try #require(try ControlSocket.connectIfListening(fixture.paths.socket))
      connection.send(try WireCoding.encode(RequestLine(.current, DaemonFixture.request)))
      await fixture.engine.wait(for: "intercepting user")
      connection.close()
      await fixture.engine.wait(for: "cancelled user")
    }
  }

  @Test func aCancelledCallWaitsForTheDaemonsLastWord() async throws {
    try await DaemonFixture.with(FakeEngine(pace: .untilCancelled)) { fixture in
      let call = Task { try await fixture.call(DaemonFixture.request) }
      await fixture.engine.wait(for: "intercepting user")
      call.cancel()
      let problem = await #expect(throws: ControlError.self) { try await call.value }
      #expect(problem?.code == .cancelled)
      #expect(fixture.engine.events.last == "cancelled user")
    }
  }

  @Test func anInterceptThatIsReadyTooLateIsUndone() async throws {
    try await DaemonFixture.with(FakeEngine(pace: .untilCancelledThenReady)) { fixture in
      let call = Task { try await fixture.call(DaemonFixture.request) }
      await fixture.engine.wait(for: "intercepting user")
      call.cancel()
      let problem = await #expect(throws: ControlError.self) { try await call.value }
      #expect(problem?.code == .cancelled)
      #expect(fixture.engine.events.last == "left user")
      #expect(fixture.engine.intercepted.isEmpty)
    }
  }

  private func forward(foreground: Bool) -> ForwardRequest {
    var request = ForwardRequest(cluster: ClusterSelection(), target: "db", ports: [.init(host: 5432, remote: "5432")])
    request.foreground = foreground
    return request
  }

  @Test func aForwardInTheForegroundEndsWithItsCommand() async throws {
    try await DaemonFixture.with { fixture in
      let (reports, report) = AsyncStream<ForwardReport>.makeStream()
      let call = Task {
        try await fixture.client().call(
          forward(foreground: true), holding: { report.yield($0) })
      }
      #expect(await reports.first { _ in true }?.id == "f1")
      let status = try await fixture.status()
      #expect(status.forwards.count == 1)
      call.cancel()
      let last = try await call.value
      #expect(last.id == "f1")
      await fixture.engine.wait(for: "stopped f1")
    }
  }

  @Test func aForwardInTheForegroundEndsWhenAnotherCommandStopsIt() async throws {
    try await DaemonFixture.with { fixture in
      let (reports, report) = AsyncStream<ForwardReport>.makeStream()
      let call = Task {
        try await fixture.client().call(
          forward(foreground: true), holding: { report.yield($0) })
      }
      _ = await reports.first { _ in true }
      _ = try await fixture.call(StopForwardRequest(id: "f1"))
      _ = try await call.value
      #expect(fixture.engine.events.filter { $0 == "stopped f1" }.count == 1)
    }
  }

  private func heldIntercept(_ fixture: DaemonFixture) async -> (call: Task<InterceptReport, any Error>, begun: Bool) {
    var request = DaemonFixture.request
    request.foreground = true
    let (reports, report) = AsyncStream<InterceptReport>.makeStream()
    let call = Task { [request] in
      try await fixture.client().call(
        request, holding: { report.yield($0) })
    }
    return (call, await reports.first { _ in true }?.service == "user")
  }

  @Test func anInterceptInTheForegroundEndsWithItsCommand() async throws {
    try await DaemonFixture.with { fixture in
      let (call, begun) = await heldIntercept(fixture)
      #expect(begun && fixture.engine.intercepted == ["user"])
      call.cancel()
      _ = try await call.value
      await fixture.engine.wait(for: "left user")
    }
  }

  @Test func anInterceptInTheForegroundEndsWhenItIsLeft() async throws {
    try await DaemonFixture.with { fixture in
      let (call, begun) = await heldIntercept(fixture)
      #expect(begun)
      _ = try await fixture.call(LeaveRequest(service: "user"))
      _ = try await call.value
      #expect(fixture.engine.events.filter { $0 == "left user" }.count == 1)
    }
  }

  @Test func interceptsOfOneServiceInTwoClustersEndEachWithItsOwnCommand() async throws {
    try await DaemonFixture.with { fixture in
      func hold(_ context: String) async -> (Task<Void, any Error>, InterceptID?) {
        let (reports, report) = AsyncStream.makeStream(of: InterceptReport.self)
        let call = Task {
          var request = InterceptRequest(cluster: ClusterSelection(context: context), service: "user", ports: [])
          request.foreground = true
          _ = try await fixture.client().call(
            request, holding: { report.yield($0) })
        }
        return (call, await reports.first { _ in true }?.id)
      }
      let (a, first) = await hold("a")
      let (b, second) = await hold("b")
      #expect(first != second)
      _ = try await fixture.call(LeaveRequest(try #require(first)))
      _ = try await a.value
      // The other command holds its own still, and its end is the end of that one alone.
      b.cancel()
      _ = try await b.value
      await fixture.engine.wait(for: "left user in b")
      #expect(fixture.engine.events.filter { $0.hasPrefix("left") } == ["left user in a", "left user in b"])
    }
  }

  @Test func anyOtherForwardStays() async throws {
    try await DaemonFixture.with { fixture in
      _ = try await fixture.call(forward(foreground: false))
      let status = try await fixture.status()
      #expect(status.forwards.count == 1)
    }
  }

  @Test func quitUndoesWhatIsUnderWayThenLeavesEverything() async throws {
    try await DaemonFixture.with(FakeEngine(pace: .untilCancelled)) { fixture in
      let call = Task { try await fixture.call(DaemonFixture.request) }
      await fixture.engine.wait(for: "intercepting user")
      _ = try await fixture.call(QuitRequest())
      #expect(fixture.engine.events.suffix(2) == ["cancelled user", "shut down"])
      #expect(!FileManager.default.fileExists(atPath: fixture.paths.socket))
      await #expect(throws: ControlError.self) { try await call.value }
      await fixture.server.value
    }
  }

  @Test func quitSaysWhatStays() async throws {
    let staying = ControlError(.incomplete, "Deployment shop/devtunnel-user stays in the cluster")
    try await DaemonFixture.with(FakeEngine(staying: [staying])) { fixture in
      let problem = await #expect(throws: ControlError.self) {
        try await fixture.call(QuitRequest())
      }
      #expect(problem?.code == .incomplete)
      #expect(problem?.details == [staying.message])
      await fixture.server.value
    }
  }

  @Test func quitLetsTheRecoveryEnd() async throws {
    try await DaemonFixture.with(FakeEngine(recovery: .milliseconds(300))) { fixture in
      await fixture.engine.wait(for: "recovering")
      _ = try await fixture.call(QuitRequest())
      #expect(fixture.engine.events == ["recovering", "recovered", "shut down"])
      await fixture.server.value
    }
  }

  @Test func aSignalLeavesEverythingToo() async throws {
    let engine = FakeEngine()
    try await DaemonFixture.with(engine) { fixture in await engine.wait(for: "recovered") }
    #expect(engine.events == ["recovered", "shut down"])
  }

  @Test func aDaemonThatEndsWithoutAnAnswerIsSaid() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      let listener = try ControlListener(path: paths.socket) { _ in }
      let dying = Task { for await connection in listener.connections { connection.close() } }
      let client = try #require(try ControlClient.ofRunningDaemon(paths: paths))
      let problem = await #expect(throws: ControlError.self) {
        try await client.call(StatusRequest())
      }
      #expect(problem?.code == .failed)
      listener.stop()
      await dying.value
    }
  }
}
