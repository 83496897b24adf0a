import ControlAPI
import KubeObjects
import Testing

extension LabTests {
  /// Intercepts in a pocket cluster: real Pods, real Services, the agent that is delivered.
  @Suite struct InterceptTests {
    private let fromHost = "hello from the host"
    private let fromCluster = "hello from the cluster"

    @Test func requestsArriveAtTheHostAndGoBack() async throws {
      try await Lab.run { lab in
        try await lab.expect(fromCluster)
        let host = try HostServer(fromHost)
        try await lab.developer("alice@host") { alice in
          var request = lab.intercept(host.port)
          request.environment = true
          let report = try await alice.intercept(request) { _ in }
          #expect(report.workload == "Deployment/web")
          #expect(report.environment?["GREETING"] == fromCluster)
          try await lab.expect(fromHost)
          let status = await alice.status()
          #expect(status.intercepts.first?.ports.first?.toHost ?? 0 >= 6)
          #expect(status.sessions.first?.state == "connected")

          _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }
          try await lab.expect(fromCluster)
          try await lab.expectNoTraces()
        }
        host.stop()
      }
    }

    @Test func newConnectionsAreNeverLost() async throws {
      try await Lab.run { lab in
        let host = try HostServer(fromHost)
        let outcome = try await lab.developer("alice@host") { alice in
          try await Load.run(lab.requester("web")) {
            for _ in 0..<3 {
              _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
              try await Task.sleep(for: .milliseconds(200))
              _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }
            }
            try await lab.expectNoTraces()
          }
        }
        #expect(outcome.failures.isEmpty, "\(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
        #expect(Set(outcome.answers.keys) == [fromHost, fromCluster])
        #expect(outcome.answers.values.reduce(0, +) > 200)
        host.stop()
      }
    }

    @Test func refusedConnectionsGoToTheOrigin() async throws {
      try await Lab.run { lab in
        let host = try HostServer(fromHost)
        try await lab.developer("alice@host") { alice in
          _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
          try await lab.expect(fromHost)
          host.stop()
          try await lab.expect(fromCluster)
          try await eventually("the fallback is told") {
            await alice.status().intercepts.first?.message?.contains("refused") == true
          }
          _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }

          let second = try HostServer(fromHost)
          var strict = lab.intercept(second.port)
          strict.refuse = true
          _ = try await alice.intercept(strict) { _ in }
          second.stop()
          try await eventually("the client is reset") {
            do { _ = try await lab.ask() } catch { return true }
            return false
          }
        }
        try await lab.expectNoTraces()
        try await lab.expect(fromCluster)
      }
    }

    @Test func aSecondHolderIsToldAndMayTakeOver() async throws {
      try await Lab.run { lab in
        let (alices, bobs) = (try HostServer("hello from alice"), try HostServer("hello from bob"))
        try await lab.developer("alice@host") { alice in
          _ = try await alice.intercept(lab.intercept(alices.port)) { _ in }
          try await lab.developer("bob@host") { bob in
            let refused = await #expect(throws: ControlError.self) {
              _ = try await bob.intercept(lab.intercept(bobs.port)) { _ in }
            }
            #expect(refused?.code == .conflict)
            #expect(refused?.message.contains("alice@host") == true)
            try await lab.expect("hello from alice")

            var request = lab.intercept(bobs.port)
            request.takeOver = true
            _ = try await bob.intercept(request) { _ in }
            try await lab.expect("hello from bob")
            try await eventually("alice is told") { await alice.status().intercepts.first?.state == .failedOpen }
            // The end of alice's daemon must not end bob's intercept.
            _ = await alice.shutDown { _ in }
            try await lab.expect("hello from bob")
          }
        }
        try await lab.expectNoTraces()
        try await lab.expect(fromCluster)
        alices.stop()
        bobs.stop()
      }
    }

    @Test func anyMachineCanRestore() async throws {
      try await Lab.run { lab in
        let host = try HostServer(fromHost)
        try await lab.developer("alice@host") { alice in
          _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
          try await lab.developer("bob@host") { bob in
            let polite = try await bob.restore(RestoreRequest(cluster: lab.cluster)) { _ in }
            #expect(polite.done.isEmpty)
            #expect(polite.left.contains { $0.contains("alice@host") })
            try await lab.expect(fromHost)

            let forced = try await bob.restore(RestoreRequest(cluster: lab.cluster, force: true)) { _ in }
            #expect(!forced.done.isEmpty)
            try await lab.expect(fromCluster)
            try await lab.expectNoTraces()
          }
        }
        host.stop()
      }
    }
  }
}
