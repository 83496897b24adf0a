import Agents
import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept

/// Each holder shows by a Lease of their own that they live. Two people are `root@localhost` here, each with an
/// installation of their own.
@Suite(.timeLimit(.minutes(1))) struct HolderLeaseTests {
  private static let mine = Holder(name: "root@localhost", installation: String(repeating: "1a", count: 16))
  private static let theirs = Holder(name: "root@localhost", installation: String(repeating: "2b", count: 16))

  private func lease(_ client: KubeClient) -> HolderLease {
    HolderLease(
      client: client, namespace: "shop", workload: "web", holder: Self.mine,
      looks: LeaseLooks(interval: .milliseconds(60)))
  }

  private static func put(
    _ holder: Holder, renewed secondsAgo: Double? = 0, _ spec: [String: JSONValue] = [:], in cluster: FakeCluster
  ) {
    var lease: JSONValue = ["spec": ["holderIdentity": JSONValue(holder.identity), "leaseDurationSeconds": 30]]
    lease[path: "spec", "renewTime"] = secondsAgo.map { JSONValue(Timestamp.micro(Date() - $0)) }
    for (key, value) in spec { lease[path: "spec", key] = value }
    cluster.put("leases", HolderLease.name("web", holder.identity), lease)
  }

  @Test("Two holders of one name have two Leases")
  func names() {
    #expect(HolderLease.name("web", Self.mine.identity) != HolderLease.name("web", Self.theirs.identity))
    #expect(HolderLease.name("web", Self.mine.identity).hasPrefix("devtunnel-web-"))
    let long = HolderLease.name(String(repeating: "w", count: 253), Self.mine.identity)
    #expect(long.count <= 63 && AgentNames.isName(long))
  }

  @Test("Renewing makes it where it is missing, and renews it where it is not")
  func renewing() async throws {
    try await withFakeCluster { cluster, client in
      let lease = lease(client)
      try await lease.renew()
      let made = try #require(cluster["leases", lease.name])
      #expect(WorkloadLease.held(made)?.holder == Self.mine)
      #expect(WorkloadLease.held(made)?.isFresh == true)
      #expect(made.labels["app.kubernetes.io/managed-by"] == "devtunnel")
      #expect(made.annotations["devtunnel.dev/workload"] == "web")

      cluster.change("leases", lease.name) { $0[path: "spec", "renewTime"] = "2020-01-01T00:00:00.000000Z" }
      try await lease.renew()
      let renewed = try #require(cluster["leases", lease.name])
      #expect(renewed.uid == made.uid)
      #expect(WorkloadLease.held(renewed)?.isFresh == true)
      #expect(renewed[path: "spec", "acquireTime"] == made[path: "spec", "acquireTime"])

      // Another process of ours makes it at the same time.
      cluster.delete("leases", lease.name)
      cluster.before("create leases") { Self.put(Self.mine, in: $0) }
      try await lease.renew()
      #expect(cluster.names("leases") == [lease.name])

      try await lease.remove()
      #expect(cluster.names("leases") == [])
      try await lease.remove()
    }
  }

  @Test("A missing permission is an error", arguments: ["patch leases", "create leases", "delete leases"])
  func forbidden(what: String) async throws {
    try await withFakeCluster { cluster, client in
      let lease = lease(client)
      cluster.forbid(what)
      if what == "delete leases" {
        try await lease.renew()
        let error = await #expect(throws: ControlError.self) { try await lease.remove() }
        #expect(error?.code == .forbidden && error?.message.contains(lease.name) == true)
      } else {
        await #expect(throws: KubeError.self) { try await lease.renew() }
      }
    }
  }

  @Test("A holder lives whose Lease is fresh; another installation of the name does not make it so")
  func fresh() async throws {
    try await withFakeCluster { cluster, client in
      let lease = lease(client)
      let holders: Set = [Self.theirs.identity, "bob@desk"]
      let found1 = try await lease.living(among: holders, progress: nil)
      #expect(found1 == [])
      // Ours says nothing about theirs.
      Self.put(Self.mine, in: cluster)
      let found2 = try await lease.living(among: holders, progress: nil)
      #expect(found2 == [])
      Self.put(Self.theirs, in: cluster)
      let found3 = try await lease.living(among: holders, progress: nil)
      #expect(found3 == [Self.theirs.identity])
      let found4 = try await lease.living(among: ["bob@desk"], progress: nil)
      #expect(found4 == [])
      let found5 = try await lease.living(among: [], progress: nil)
      #expect(found5 == [])
    }
  }

  @Test("A stale Lease takes two looks; a holder with a slow clock has renewed it by the second")
  func slowClock() async throws {
    try await withFakeCluster { cluster, client in
      Self.put("bob@desk", renewed: 300, in: cluster)
      let start = ContinuousClock.now
      let found6 = try await lease(client).living(among: ["bob@desk"], progress: nil)
      #expect(found6 == [])
      #expect(.now - start >= .milliseconds(60))

      // It is renewed after the first look, by a clock that is five minutes late.
      cluster.before("get leases") { cluster in
        cluster.before("get leases") { Self.put("bob@desk", renewed: 290, in: $0) }
      }
      var told: [String] = []
      let lines = Lines()
      let found7 = try await lease(client).living(among: ["bob@desk"], progress: { lines.add($0) })
      #expect(found7 == ["bob@desk"])
      told = lines.all
      #expect(told.count == 1 && told[0].contains("bob@desk looks stale"), "\(told)")
    }
  }

  @Test("A fresh Lease is looked at once")
  func once() async throws {
    let server = FakeAPIServer { _ in
      (
        200,
        [
          "metadata": ["name": "x", "uid": "l"],
          "spec": ["holderIdentity": "bob@desk", "renewTime": JSONValue(Timestamp.micro(Date()))],
        ]
      )
    }
    defer { server.stop() }
    let found8 = try await lease(server.client()).living(among: ["bob@desk"], progress: nil)
    #expect(found8 == ["bob@desk"])
    #expect(server.requests.count == 1)
  }

  @Test(
    "Nothing in a Lease keeps others out without end",
    arguments: [
      ["renewTime": "9999-12-31T23:59:59.999999Z"], ["renewTime": .null], ["renewTime": "x"], ["renewTime": .int(.max)],
      ["leaseDurationSeconds": .int(.max), "renewTime": "2020-01-01T00:00:00Z"], ["holderIdentity": .null],
      ["holderIdentity": ""], ["holderIdentity": .int(7)],
    ] as [[String: JSONValue]])
  func garbage(spec: [String: JSONValue]) async throws {
    try await withFakeCluster { cluster, client in
      Self.put("bob@desk", spec, in: cluster)
      let found9 = try await lease(client).living(among: ["bob@desk"], progress: nil)
      #expect(found9 == [])
    }
  }

  @Test("Leases that may not be read are an error, and not a holder who is gone")
  func unreadable() async throws {
    try await withFakeCluster { cluster, client in
      Self.put("bob@desk", in: cluster)
      cluster.forbid("get leases")
      let error = await #expect(throws: ControlError.self) {
        _ = try await lease(client).living(among: ["bob@desk"], progress: nil)
      }
      #expect(error?.code == .forbidden)
    }
  }
}
