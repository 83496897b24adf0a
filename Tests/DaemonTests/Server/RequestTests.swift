import Testing

@testable import ControlAPI

@Suite(.timeLimit(.minutes(1)))
struct RequestTests {
  /// Returns the daemon's answer to a raw line.
  private func answer(_ fixture: DaemonFixture, _ line: String) async throws -> ControlError? {
    let connection = try #require(try ControlSocket.connectIfListening(fixture.paths.socket))
    defer { connection.close() }
    connection.send(Array(line.utf8))
    for try await line in connection.lines { return try WireCoding.decode(Answer<Nothing>.self, line).error }
    return nil
  }

  @Test(arguments: ["garbage", "{}", "[1,2]", "\u{0}\u{1}", #"{"version": 1, "build": "", "method": "list"}"#])
  func garbageIsAnsweredWithWhatIsWrong(line: String) async throws {
    try await DaemonFixture.with { fixture in
      let problem = try await answer(fixture, line)
      #expect(problem?.code == .badInput)
      // And the daemon lives on.
      let status = try await fixture.status()
      #expect(status.daemon != nil)
    }
  }

  @Test func missingParametersAreNamed() async throws {
    try await DaemonFixture.with { fixture in
      let version = BuildVersion.current
      let line =
        #"""
        {"version": "\#(version.version)", "build": "\#(version.build)", "method": "intercept", \#
        "params": {"service": "user"}}
        """#
      let problem = try await answer(fixture, line)
      #expect(problem?.message.contains("params.cluster") == true)
    }
  }

  @Test func aHugeRequestIsRefused() async throws {
    try await DaemonFixture.with { fixture in
      let line = String(repeating: "x", count: (4 << 20) + 1)
      let problem = try await answer(fixture, line)
      #expect(problem?.code == .badInput)
    }
  }

  @Test func anInterceptIsReportedAndLeft() async throws {
    try await DaemonFixture.with { fixture in
      let report = try await fixture.call(DaemonFixture.request)
      #expect(report.service == "user")
      let status = try await fixture.status()
      #expect(status.intercepts == [report])
      #expect(status.daemon?.socket == fixture.paths.socket)
      let left = try await fixture.call(LeaveRequest(service: "user"))
      #expect(left.map(\.service) == ["user"])
      #expect(fixture.engine.intercepted.isEmpty)
    }
  }

  @Test func anErrorCrossesWithItsCodeAndRemedy() async throws {
    try await DaemonFixture.with { fixture in
      let problem = await #expect(throws: ControlError.self) {
        try await fixture.call(LeaveRequest(service: "cart"))
      }
      #expect(problem == ControlError(.notFound, "cart is not intercepted", remedy: "devtunnel status shows what is"))
    }
  }

  @Test func progressArrivesInOrderBeforeTheResult() async throws {
    try await DaemonFixture.with { fixture in
      let (steps, step) = AsyncStream<String>.makeStream()
      let report = try await fixture.client().call(
        RestoreRequest(cluster: ClusterSelection(), force: true),
        progress: { step.yield($0) })
      step.finish()
      #expect(report.left.isEmpty)
      #expect(await steps.reduce(into: []) { $0.append($1) } == ["step 1", "step 2", "step 3"])
    }
  }

  @Test func commandsOfAnotherVersionMayOnlyLookAndQuit() async throws {
    try await DaemonFixture.with(build: BuildVersion(version: "0.0.9", build: "aa")) { fixture in
      let problem = await #expect(throws: ControlError.self) {
        try await fixture.call(DaemonFixture.request)
      }
      #expect(problem?.code == .versionMismatch)
      #expect(problem?.message.contains("0.0.9") == true && problem?.remedy?.contains("devtunnel quit") == true)
      let status = try await fixture.status()
      #expect(status.daemon?.version == "0.0.9")
      _ = try await fixture.call(QuitRequest())
    }
  }

  @Test func theStatusOfADaemonThatDidNotNameItsClustersIsRead() throws {
    let line = """
      {"intercepts": [{"context": "a", "namespace": "shop", "service": "user", "workload": "Deployment/user", \
      "state": "active", "ports": [], "holder": "alice@laptop", "since": "", "warnings": []}], \
      "forwards": [], "outbound": [], "sessions": [], \
      "left": [{"service": "user", "namespace": "shop", "cut": 0, "restored": true}]}
      """
    let status = try WireCoding.decode(StatusReport.self, Array(line.utf8))
    #expect(status.intercepts.map(\.context) == ["a"])
    #expect(status.left.map(\.service) == ["user"])
  }

  @Test func anotherBuildOfTheSameVersionIsAMismatchToo() {
    let problem = BuildVersion.mismatch(
      daemon: .init(version: "1.0.0", build: "aa"), command: .init(version: "1.0.0", build: "bb"))
    #expect(problem?.code == .versionMismatch)
  }
}
