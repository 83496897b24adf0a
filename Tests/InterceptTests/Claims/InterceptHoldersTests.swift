import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeObjects
import Testing

@testable import Intercept

struct InterceptHoldersTests {
  private static let alice = Holder(name: "alice@laptop", installation: String(repeating: "1a", count: 16))

  private static func agent(_ claims: String?, namespace: String = "shop") -> JSONValue {
    var agent: JSONValue = ["metadata": ["name": "devtunnel-web", "namespace": JSONValue(namespace)]]
    agent.labels = ["devtunnel.dev/agent": "web"]
    agent.annotations = ["devtunnel.dev/workload": "web"]
    if let claims { agent.annotations[ClaimsRecord.annotation] = claims }
    return agent
  }

  private static func service(_ name: String, namespace: String = "shop", agent: String? = "web") -> JSONValue {
    var service: JSONValue = ["metadata": ["name": JSONValue(name), "namespace": JSONValue(namespace)]]
    service[path: "spec", "selector"] = agent.map { ["app": "web", "devtunnel.dev/agent": JSONValue($0)] } ?? [:]
    return service
  }

  private static func lease(_ name: String, _ holder: String, renewed secondsAgo: Double = 0) -> JSONValue {
    [
      "metadata": ["name": JSONValue(name), "namespace": "shop"],
      "spec": [
        "holderIdentity": JSONValue(holder), "leaseDurationSeconds": 30, "acquireTime": "2026-01-02T03:00:00Z",
        "renewTime": JSONValue(Timestamp.micro(Date() - secondsAgo)),
      ],
    ]
  }

  private static let claims = ClaimsRecord.text(
    Claims(
      ports: [
        8080: Claim(holder: alice.identity, services: ["web", "web-alt"], count: 2, since: "2026-01-02T03:04:06Z"),
        8081: Claim(holder: alice.identity, services: ["web"], count: 1, since: "2026-01-02T03:04:05Z"),
        9090: Claim(holder: "bob@desk", services: ["web", "admin"], count: 3),
      ], count: 3))

  /// Leaves out the times of renewal.
  private static func timeless(_ entries: [InterceptHolders.Entry]) -> [InterceptHolders.Entry] {
    entries.map {
      var entry = $0
      entry.renewed = nil
      return entry
    }
  }

  @Test("Each Service has its own holders, once each, with the first time and the sign that they live")
  func holders() {
    let holders = InterceptHolders(
      agents: [Self.agent(Self.claims)],
      leases: [
        Self.lease(HolderLease.name("web", Self.alice.identity), Self.alice.identity),
        Self.lease(HolderLease.name("web", "bob@desk"), "bob@desk", renewed: 300),
      ])
    let alice = InterceptHolders.Entry(holder: Self.alice, since: "2026-01-02T03:04:05Z", isFresh: true)
    let bob = InterceptHolders.Entry(holder: "bob@desk", since: "", isFresh: false)
    #expect(Self.timeless(holders.of(Self.service("web"))) == [alice, bob])
    let ages = holders.of(Self.service("web")).map { Int(Date().timeIntervalSince($0.renewed ?? .distantPast)) / 60 }
    #expect(ages == [0, 5], "minutes")
    #expect(holders.of(Self.service("web-alt")).map(\.holder) == [Self.alice])
    #expect(Self.timeless(holders.of(Self.service("admin"))) == [bob])
    #expect(holders.of(Self.service("other")) == [], "it selects the agent, and nobody claims it")
    #expect(holders.of(Self.service("web", agent: nil)) == [])
    #expect(holders.of(Self.service("web", agent: "api")) == [])
    #expect(holders.of(Self.service("web", namespace: "test")) == [])
  }

  @Test("A version without claims has one holder, of the Lease with the agent's name", arguments: [nil, "{", "[]"])
  func former(record: String?) {
    let holders = InterceptHolders(
      agents: [Self.agent(record)], leases: [Self.lease("devtunnel-web", "bob@desk"), Self.lease("other", "x")])
    #expect(
      Self.timeless(holders.of(Self.service("web"))) == [
        InterceptHolders.Entry(holder: "bob@desk", since: "2026-01-02T03:00:00Z", isFresh: true)
      ])
    #expect(InterceptHolders(agents: [Self.agent(record)], leases: []).of(Self.service("web")) == [])
  }

  @Test("A holder of rules is named with them, beside one of all and beside their own")
  func personal() {
    var claims = Claims()
    claims.take([8080], of: "web", for: "bob@desk")
    claims.take([8080], of: "web", for: Self.alice.identity, rules: ["path /a"])
    claims.take([8080], of: "admin", for: Self.alice.identity, rules: ["path /b"])
    let holders = InterceptHolders(agents: [Self.agent(ClaimsRecord.text(claims))], leases: [])
    #expect(
      holders.of(Self.service("web")) == [
        InterceptHolders.Entry(
          holder: Self.alice, since: "", isFresh: false, rules: RequestRules(texts: ["path /a"])),
        InterceptHolders.Entry(holder: "bob@desk", since: "", isFresh: false),
      ])
  }
}
