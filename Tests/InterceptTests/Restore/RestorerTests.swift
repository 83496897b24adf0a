import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept

/// The claims on the agent, and the Leases of their holders, decide which changes may be undone. Two people are
/// `root@localhost` here, each with an installation of their own.
@Suite(.timeLimit(.minutes(1))) struct RestorerTests {
  private static let mine = Holder(name: "root@localhost", installation: String(repeating: "1a", count: 16))
  private static let theirs = Holder(name: "root@localhost", installation: String(repeating: "2b", count: 16))
  private static let alone = Holder(name: "root@localhost", installation: nil)

  private func with(_ body: (FakeCluster, Restorer) async throws -> Void) async throws {
    try await withFakeCluster { cluster, client in
      var restorer = Restorer(client: client, namespace: "shop", holder: Self.mine)
      restorer.looks = LeaseLooks(interval: .milliseconds(50))
      try await body(cluster, restorer)
    }
  }

  private func divert(_ services: String..., in cluster: FakeCluster) {
    for service in services {
      cluster.put(
        "services", service,
        [
          "metadata": ["annotations": ["devtunnel.dev/original-selector": "\u{0}{"]],
          "spec": ["selector": ["app": "web", "devtunnel.dev/agent": "web"]],
        ])
    }
  }

  /// An agent with these claims; without a record if there are none.
  private func agent(
    _ claims: [(UInt16, Holder, [String])]?, of workload: String = "web", holder: Holder = mine,
    service: String? = "web",
    in cluster: FakeCluster
  ) {
    let manifests = AgentManifests(workload: workload, namespace: "shop", holder: holder, service: service)
    var deployment: JSONValue = ["spec": ["replicas": 1]]
    deployment.annotations = manifests.annotations
    deployment.labels = ["app.kubernetes.io/managed-by": "devtunnel", "devtunnel.dev/agent": workload]
    if let claims {
      var record = Claims(count: 7)
      for (port, holder, services) in claims {
        record.ports[port] = Claim(holder: holder.identity, services: services, count: 7, since: "2026-01-02T03:04:05Z")
      }
      deployment.annotations[ClaimsRecord.annotation] = ClaimsRecord.text(record)
    }
    cluster.put("deployments", AgentNames.base(workload), deployment)
  }

  /// - Parameter name: a version without claims gives its Lease the agent's name.
  private func lease(
    _ holder: Holder, renewed secondsAgo: Double = 0, name: String? = nil, in cluster: FakeCluster
  ) {
    var lease: JSONValue = [
      "spec": [
        "holderIdentity": JSONValue(holder.identity), "leaseDurationSeconds": 30,
        "acquireTime": "2026-01-02T03:04:05.000000Z", "renewTime": JSONValue(Timestamp.micro(Date() - secondsAgo)),
      ]
    ]
    lease.labels = ["app.kubernetes.io/managed-by": "devtunnel", "devtunnel.dev/agent": "web"]
    lease.annotations = ["devtunnel.dev/workload": "web"]
    cluster.put("leases", name ?? HolderLease.name("web", holder.identity), lease)
  }

  private func isDiverted(_ service: String, in cluster: FakeCluster) -> Bool {
    cluster["services", service]?[path: "spec", "selector"]?.stringMap["devtunnel.dev/agent"] != nil
  }

  private func isUntouched(_ cluster: FakeCluster) -> Bool {
    isDiverted("web", in: cluster) && cluster["deployments", "devtunnel-web"] != nil && !cluster.names("leases").isEmpty
  }

  private func isUndone(_ cluster: FakeCluster) -> Bool {
    !isDiverted("web", in: cluster) && cluster.names("deployments") == ["web"] && cluster.names("leases") == []
  }

  // MARK: Claims

  @Test("Ours is undone, and a stranger's that is stale; a living one's is left, except with --yes")
  func alone() async throws {
    for (holder, age, force, isToGo) in [
      (Self.mine, 0.0, false, true), (Self.theirs, 0, false, false), (Self.theirs, 300, false, true),
      (Self.theirs, 0, true, true), ("bob@desk", 0, false, false), ("bob@desk", 31, false, true),
      (Self.alone, 0, false, false),
    ] {
      try await with { cluster, restorer in
        divert("web", in: cluster)
        agent([(8080, holder, ["web"])], in: cluster)
        lease(holder, renewed: age, in: cluster)
        let report = try await restorer.restore(service: nil, force: force, progress: nil)
        let row: Comment = "\(holder.identity) \(age) \(force): \(report)"
        #expect(isToGo ? isUndone(cluster) : isUntouched(cluster), row)
        #expect(report.left.count == (isToGo ? 0 : 1), row)
        guard !isToGo else { return }
        #expect(report.left[0].contains("Service shop/web: intercepted by"), row)
        #expect(
          report.left[0].contains("(another installation of that name)") == (holder.name == "root@localhost"), row)
        #expect(report.left[0].contains("since 2026-01-02 03:04 UTC"), row)
      }
    }
  }

  @Test("A holder whose clock is slow lives, if they renew between two looks")
  func slowClock() async throws {
    try await with { cluster, restorer in
      divert("web", in: cluster)
      agent([(8080, Self.theirs, ["web"])], in: cluster)
      lease(Self.theirs, renewed: 300, in: cluster)
      cluster.before("get leases") { cluster in
        cluster.change("leases", HolderLease.name("web", Self.theirs.identity)) {
          $0[path: "spec", "renewTime"] = JSONValue(Timestamp.micro(Date() - 290))
        }
      }
      let report = try await restorer.restore(service: nil, force: false, progress: nil)
      #expect(isUntouched(cluster) && report.left.count == 1, "\(report)")
    }
  }

  @Test("Of an agent that this daemon uses, the dead holders' claims and Services go, and ours stay")
  func kept() async throws {
    try await with { cluster, restorer in
      divert("web", "admin", in: cluster)
      agent([(8080, Self.mine, ["web"]), (9090, "bob@desk", ["admin"])], in: cluster)
      lease(Self.mine, in: cluster)
      lease("bob@desk", renewed: 300, in: cluster)
      _ = try await restorer.restore(service: "admin", force: false, keeping: ["web"], progress: nil)
      #expect(isDiverted("web", in: cluster) && !isDiverted("admin", in: cluster))
      let claims = cluster["deployments", "devtunnel-web"].flatMap(ClaimsRecord.read)
      #expect(claims?.holders == [Self.mine.identity] && claims?.closer == nil)
      #expect(cluster["leases", HolderLease.name("web", Self.mine.identity)] != nil)
    }
  }

  @Test("Of an agent that others use, ours and the dead holders' claims are dropped, and the living ones' are kept")
  func shared() async throws {
    try await with { cluster, restorer in
      divert("web", "web-alt", "admin", in: cluster)
      agent(
        [(8080, Self.mine, ["web"]), (8081, "dead@pc", ["web-alt"]), (9090, Self.theirs, ["admin"])], in: cluster)
      let uid = cluster["deployments", "devtunnel-web"]?.uid
      lease(Self.mine, in: cluster)
      lease(Self.theirs, in: cluster)
      lease("dead@pc", renewed: 300, in: cluster)
      let report = try await restorer.restore(service: nil, force: false, progress: nil)
      #expect(
        report.done.sorted() == [
          "Service shop/web has its own selector again", "Service shop/web-alt has its own selector again",
        ])
      #expect(report.left.count == 1 && report.left[0].contains("Service shop/admin"), "\(report.left)")
      #expect(cluster["deployments", "devtunnel-web"]?.uid == uid)
      #expect(cluster.claims.holders == [9090: Self.theirs.identity] && cluster.claims.closer == nil)
      #expect(
        isDiverted("admin", in: cluster) && !isDiverted("web", in: cluster) && !isDiverted("web-alt", in: cluster))
      #expect(cluster["leases", HolderLease.name("web", Self.mine.identity)] == nil)
      #expect(cluster["leases", HolderLease.name("web", Self.theirs.identity)] != nil)

      let forced = try await restorer.restore(service: nil, force: true, progress: nil)
      #expect(forced.left == [] && isUndone(cluster), "\(forced)")
      #expect(!isDiverted("admin", in: cluster))
    }
  }

  @Test("Of one Service, the others' claims are not touched")
  func named() async throws {
    try await with { cluster, restorer in
      divert("web", "admin", in: cluster)
      agent([(8080, Self.mine, ["web"]), (9090, Self.theirs, ["admin"])], in: cluster)
      lease(Self.mine, in: cluster)
      lease(Self.theirs, in: cluster)
      let theirs = try await restorer.restore(service: "admin", force: false, progress: nil)
      #expect(theirs.done == [] && theirs.left.count == 1, "\(theirs)")
      #expect(isDiverted("admin", in: cluster))
      _ = try await restorer.restore(service: "web", force: false, progress: nil)
      #expect(!isDiverted("web", in: cluster) && isDiverted("admin", in: cluster))
      #expect(cluster.claims.holders == [9090: Self.theirs.identity])
      let nothing = try await restorer.restore(service: "other", force: true, progress: nil)
      #expect(nothing == RestoreReport())
    }
  }

  @Test("A claim that comes while ours are dropped is kept")
  func raced() async throws {
    try await with { cluster, restorer in
      divert("web", "admin", in: cluster)
      agent([(8080, Self.mine, ["web"]), (9090, Self.theirs, ["admin"])], in: cluster)
      lease(Self.theirs, in: cluster)
      cluster.before("patch deployments") { cluster in
        lease("carol@tower", in: cluster)
        agent(
          [(8080, Self.mine, ["web"]), (9090, Self.theirs, ["admin"]), (9091, "carol@tower", ["admin"])], in: cluster)
      }
      _ = try await restorer.restore(service: nil, force: false, progress: nil)
      #expect(cluster.claims.holders == [9090: Self.theirs.identity, 9091: "carol@tower"])
    }
  }

  @Test("An agent that this daemon uses stays, with its claims")
  func keeping() async throws {
    try await with { cluster, restorer in
      divert("web-alt", in: cluster)
      agent([(8080, Self.mine, ["web"])], in: cluster)
      lease(Self.mine, in: cluster)
      let report = try await restorer.restore(service: nil, force: true, keeping: ["web"], progress: nil)
      #expect(report.done == ["Service shop/web-alt has its own selector again"])
      #expect(cluster.claims.holders == [8080: Self.mine.identity])
      #expect(cluster.names("leases").count == 1)
    }
  }

  @Test("--yes takes the claims off the agent before it goes, so that nobody diverts a Service to it again")
  func closedFirst() async throws {
    try await with { cluster, restorer in
      divert("web", in: cluster)
      agent([(8080, Self.theirs, ["web"])], in: cluster)
      lease(Self.theirs, in: cluster)
      let wasClosed = Lines()
      cluster.before("delete deployments") { wasClosed.add("\($0.claims.holders.isEmpty)") }
      _ = try await restorer.restore(service: nil, force: true, progress: nil)
      #expect(isUndone(cluster) && wasClosed.all == ["true"])
    }
  }

  // MARK: Without claims

  @Test(
    "A version without claims: its Lease, of the agent's name, says whether the holder lives", arguments: [nil, "{"])
  func former(record: String?) async throws {
    for (holder, age, isJournaled, force, isToGo) in [
      (Self.mine, 0.0, false, false, true), (Self.theirs, 0, true, false, false), (Self.theirs, 31, false, false, true),
      (Self.theirs, 0, false, true, true), (Self.alone, 0, false, false, false), (Self.alone, 0, true, false, true),
      (Self.alone, 31, false, false, true), ("bob@desk", 0, true, false, false),
    ] {
      try await with { cluster, restorer in
        divert("web", in: cluster)
        agent(nil, holder: holder, in: cluster)
        if let record { cluster.claim(record) }
        lease(holder, renewed: age, name: "devtunnel-web", in: cluster)
        var journaled = Restorer(
          client: restorer.client, namespace: "shop", holder: Self.mine, journaled: isJournaled ? ["web"] : [])
        journaled.looks = LeaseLooks(interval: .milliseconds(50))
        let report = try await journaled.restore(service: nil, force: force, progress: nil)
        let row: Comment = "\(holder.identity) \(age) \(isJournaled) \(force): \(report)"
        #expect(isToGo ? isUndone(cluster) : isUntouched(cluster), row)
        #expect(report.left.count == (isToGo ? 0 : 1), row)
      }
    }
  }

  @Test("Agents without a Service are their holder's: another's gateway and shells stay, except with --yes")
  func personal() async throws {
    for (holder, force, isToGo) in [(Self.mine, false, true), (Self.theirs, false, false), (Self.theirs, true, true)] {
      try await with { cluster, restorer in
        for workload in ["gateway-1", "shell-web-2"] {
          agent(nil, of: workload, holder: holder, service: nil, in: cluster)
        }
        _ = try await restorer.restore(service: nil, force: force, progress: nil)
        #expect(cluster.names("deployments").count == (isToGo ? 1 : 3), "\(holder.identity) \(force)")
      }
    }
  }

  @Test("A diverted Service whose agent is gone, and a Lease without an agent, are undone")
  func leftovers() async throws {
    try await with { cluster, restorer in
      divert("web", in: cluster)
      lease(Self.mine, in: cluster)
      lease("bob@desk", renewed: 300, in: cluster)
      let report = try await restorer.restore(service: nil, force: false, progress: nil)
      #expect(isUndone(cluster) && report.left == [], "\(report)")
    }
  }

  // MARK: Replicas

  /// The Deployment's controller copies its annotations to its ReplicaSets, and leaves them there.
  @Test func aReplicaSetOfADeploymentIsLeftAlone() async throws {
    try await with { cluster, restorer in
      cluster.put(
        "replicasets", "web-5d9c",
        [
          "kind": "ReplicaSet", "spec": ["replicas": 0],
          "metadata": [
            "annotations": ["devtunnel.dev/original-replicas": "3"],
            "ownerReferences": [
              ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u", "controller": true]
            ],
          ],
        ])
      let report = try await restorer.restore(service: nil, force: true, progress: nil)
      #expect(cluster["replicasets", "web-5d9c"]?[path: "spec", "replicas"] == 0 && report.done.isEmpty, "\(report)")
    }
  }

  @Test("A workload that --replace scaled down gets its replicas back, unless its holder lives")
  func replicas() async throws {
    for (holder, text, isToGo) in [
      (Self.mine, "3", true), (Self.theirs, "3", false), (Self.mine, "x", false), (Self.mine, "-1", false),
    ] {
      try await with { cluster, restorer in
        divert("web", in: cluster)
        agent([(8080, holder, ["web"])], in: cluster)
        lease(holder, in: cluster)
        cluster.change("deployments", "web") {
          $0[path: "spec", "replicas"] = 0
          $0.annotations["devtunnel.dev/original-replicas"] = text
        }
        let report = try await restorer.restore(service: nil, force: false, progress: nil)
        let web = try #require(cluster["deployments", "web"])
        #expect(web[path: "spec", "replicas"] == (isToGo ? 3 : 0), "\(text): \(report)")
        #expect((web.annotations["devtunnel.dev/original-replicas"] == nil) == isToGo)
        if holder == Self.mine, !isToGo {
          #expect(report.left.contains { $0.contains("no number of replicas") }, "\(report.left)")
        }
      }
    }
  }
}
