import ControlAPI
import Foundation
import KubeObjects
import Testing

@testable import Operations

/// The facts of `devtunnel explain`, read from a cluster whose Pods run nothing.
@Suite(.timeLimit(.minutes(2))) struct WayTests {
  private func with(
    _ body: @Sendable @escaping (PocketCluster, _ alice: TestDaemon, _ bob: TestDaemon) async throws -> Void
  )
    async throws
  {
    try await PocketCluster.run("way") { clusters in
      let (alice, bob) = (try TestDaemon(holder: "alice@laptop"), try TestDaemon(holder: "bob@desk"))
      defer {
        alice.remove()
        bob.remove()
      }
      try await body(clusters[0], alice, bob)
      for daemon in [alice, bob] { _ = await daemon.operations.shutDown { _ in } }
    }
  }

  private static func look(_ daemon: TestDaemon, _ request: WayRequest) async throws -> WayReport {
    try await daemon.operations.way(request) { _ in }
  }

  private static func outcome(_ name: String, _ report: WayReport) -> WayHop.Outcome? {
    report.hops.first { $0.name == name }?.outcome
  }

  @Test("A Service that nobody intercepts, one that does not exist, and one of another namespace")
  func plain() async throws {
    try await with { cluster, alice, _ in
      try await eventually("the Service has endpoints") {
        let report = try await Self.look(alice, WayRequest(cluster: cluster.selection(), service: "web"))
        return !report.hops.contains { $0.outcome == .failed || $0.outcome == .warning }
      }
      let report = try await Self.look(alice, WayRequest(cluster: cluster.selection(), service: "web"))
      #expect(report.port == "80/http" && report.host == nil)
      #expect(Self.outcome("intercept", report) == .skipped && Self.outcome("inside", report) == .skipped)

      let absent = try await Self.look(alice, WayRequest(cluster: cluster.selection(), service: "wep"))
      #expect(absent.hops.map(\.outcome) == [.ok, .failed])
      #expect(absent.hops.last?.remedy?.contains("web-alt") == true)
      var elsewhere = cluster.selection()
      elsewhere.namespace = "default"
      let other = try await Self.look(alice, WayRequest(cluster: elsewhere, service: "web"))
      #expect(other.hops.last?.detail.hasSuffix("but there is one in shop") == true)
    }
  }

  @Test("A cluster that does not answer is a hop")
  func unreached() async throws {
    try await with { _, alice, _ in
      let absent = ClusterSelection(kubeconfig: ["/nonexistent/kubeconfig"])
      let report = try await Self.look(alice, WayRequest(cluster: absent, service: "web"))
      #expect(report.hops.map(\.name) == ["cluster"] && report.hops[0].outcome == .failed)
    }
  }

  @Test("A holder sees the tunnel, another one sees the holder, and both see the rule that a request meets")
  func intercepted() async throws {
    try await with { cluster, alice, bob in
      _ = try await alice.stand(in: cluster, rules: RequestRules(texts: ["path /a"]))
      var request = WayRequest(
        cluster: cluster.selection(), service: "web", head: WayHead(method: "GET", target: "/a"))
      let own = try await Self.look(alice, request)
      #expect(Self.outcome("intercept", own) == .ok && Self.outcome("rule", own) == .ok)
      #expect(Self.outcome("session", own) == .failed, "no agent runs here")
      #expect(own.host != nil && own.taker == nil)

      let theirs = try await Self.look(bob, request)
      #expect(theirs.hops.first { $0.name == "intercept" }?.detail.contains("alice@laptop") == true)
      #expect(theirs.taker == "alice@laptop" && theirs.host == nil)
      request.head = WayHead(method: "GET", target: "/b")
      #expect(Self.outcome("rule", try await Self.look(alice, request)) == .failed)
    }
  }
}
