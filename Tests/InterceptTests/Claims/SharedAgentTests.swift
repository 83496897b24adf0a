import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeObjects
import Testing

@testable import Intercept

/// An agent that somebody else uses, who lives.
@Suite(.timeLimit(.minutes(1))) struct SharedAgentTests {
  /// Puts an agent in place that another version made, with one claim of bob's.
  private func share(
    _ cluster: FakeCluster, port: UInt16, of service: String, since: String = "2026-01-02T03:04:05Z", replicas: Int = 1
  ) {
    var agent: JSONValue = ["spec": ["replicas": JSONValue(replicas)]]
    agent.annotations =
      AgentManifests(workload: "web", namespace: "shop", holder: "bob@desk", service: service).annotations
    let claim = Claim(holder: "bob@desk", services: [service], count: 1, since: since)
    agent.annotations[ClaimsRecord.annotation] = ClaimsRecord.text(Claims(ports: [port: claim], count: 1))
    agent.labels = ["app.kubernetes.io/managed-by": "devtunnel", "devtunnel.dev/agent": "web"]
    cluster.put("deployments", "devtunnel-web", agent)
    let now = JSONValue(Timestamp.micro(Date()))
    cluster.put(
      "leases", HolderLease.name("web", "bob@desk"),
      ["spec": ["holderIdentity": "bob@desk", "leaseDurationSeconds": 30, "acquireTime": now, "renewTime": now]])
  }

  @Test(
    "Neither a port of theirs nor an agent of another version is taken from them",
    arguments: [
      (8080, "web", "Service web: port 80 is intercepted by bob@desk since 2026-01-02 03:04 UTC"),
      (8080, "alt", "Service web: port 80 is intercepted by bob@desk through Service alt since 2026-01-02 03:04 UTC"),
      (9090, "admin", "bob@desk uses an agent of Deployment/web that cannot serve"),
    ] as [(UInt16, String, String)])
  func refused(port: UInt16, service: String, message: String) async throws {
    try await withInterception { test in
      share(test.cluster, port: port, of: service)
      let error = await #expect(throws: ControlError.self) { try await test.start() }
      #expect(error?.code == .conflict && error?.message.hasPrefix(message) == true, "\(error?.description ?? "")")
      #expect(
        error?.remedy?.hasPrefix("Nothing was changed.") == true && error?.remedy?.contains("--take-over") == true)
      #expect(test.cluster.claims.holders == [port: "bob@desk"])
      #expect(test.cluster["services", "web"]?[path: "spec", "selector"]?.stringMap == ["app": "web"])
      #expect(!test.changes("DELETE").contains("devtunnel-web"))
      #expect(test.cluster.names("leases") == [HolderLease.name("web", "bob@desk")])
      #expect(test.journal.all.isEmpty)
    }
  }

  @Test("Two who come at once: one waits for the agent that the other is making, and makes it if they give up")
  func atOnce() async throws {
    try await withInterception { test in
      test.cluster.before("create deployments") { cluster in
        share(cluster, port: 9090, of: "admin", since: Timestamp.seconds(Date()), replicas: 0)
        Task {
          try await Task.sleep(for: .milliseconds(300))
          cluster.delete("deployments", "devtunnel-web")
        }
      }
      try await test.start()
      #expect(test.cluster.claims.holders == [8080: "alice@laptop"])
      #expect(!test.changes("DELETE").contains("devtunnel-web"))
    }
  }

  /// It would fall back to the other workload's Pods.
  @Test("The agent of a workload of another kind and the same name is taken by nobody")
  func otherKind() async throws {
    try await withInterception { test in
      share(test.cluster, port: 9090, of: "admin")
      test.cluster.delete("leases", HolderLease.name("web", "bob@desk"))
      test.cluster.change("deployments", "devtunnel-web") {
        $0.annotations["devtunnel.dev/workload-kind"] = "DaemonSet"
      }
      let error = await #expect(throws: ControlError.self) { try await test.start() }
      #expect(
        error?.code == .conflict && error?.message.contains("DaemonSet with the same name as Deployment/web") == true)
      #expect(test.cluster.claims.holders == [9090: "bob@desk"])
      #expect(test.cluster["services", "web"]?[path: "spec", "selector"]?.stringMap == ["app": "web"])
      #expect(!test.changes("DELETE").contains("devtunnel-web"))
    }
  }

  @Test("The rivals of a wish are the holders of its ports; of one that takes the origin away, all others")
  func rivals() {
    var claims = Claims()
    claims.take([8080], of: "web", for: "alice")
    claims.take([9090], of: "admin", for: "bob")
    claims.take([7070], of: "debug", for: "carol")
    claims.take([9090], of: "admin", for: "dave", rules: ["a", "b"])
    let rows: [(Wish, Set<String>)] = [
      (Wish(service: "web", ports: [8080]), []), (Wish(service: "admin", ports: [9090]), ["bob"]),
      (Wish(service: "all", ports: [8080, 9090, 7070]), ["bob", "carol"]),
      (Wish(service: "admin", ports: [9090], takesOver: true), []),
      (Wish(service: "admin", ports: [9090], rules: ["b"]), ["dave"]),
      (Wish(service: "admin", ports: [9090], rules: ["c"]), []),
      (Wish(service: "admin", ports: [9090], takesOver: true, rules: ["b"]), []),
      (Wish(service: "web", ports: [8080], replaces: true), ["bob", "carol", "dave"]),
      (Wish(service: "web", ports: [8080], takesOver: true, replaces: true), []),
    ]
    for (wish, holders) in rows {
      #expect(InterceptedWorkload.rivals(of: [wish], in: claims, "alice") == holders, "\(wish)")
    }
  }
}
