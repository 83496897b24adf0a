import Agents
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept

/// The claims are changed only over those that were read.
@Suite(.timeLimit(.minutes(1))) struct AgentClaimsTests {
  private static let ours = Claims(ports: [8080: Claim(holder: "alice@laptop", services: ["web"], count: 2)], count: 2)
  private static let theirs = Claims(ports: [8080: Claim(holder: "bob@desk", services: ["web"], count: 3)], count: 3)

  private func with(_ body: (AgentClaims, FakeCluster) async throws -> Void) async throws {
    try await withFakeCluster { cluster, client in
      cluster.put(
        "deployments", "devtunnel-web",
        ["metadata": ["annotations": ["devtunnel.dev/workload": "web", "other": "stays"]], "spec": ["replicas": 1]])
      cluster.claim(ClaimsRecord.text(Claims(count: 1)))
      try await body(AgentClaims(client: client, namespace: "shop", workload: "web"), cluster)
    }
  }

  @Test("Written over what was read, with nothing else changed")
  func written() async throws {
    try await with { claims, cluster in
      let found = try #require(try await claims.read())
      #expect(found.hasRecord && found.claims == Claims(count: 1))
      #expect(try await claims.write(Self.ours, over: found))
      #expect(try await claims.read()?.claims == Self.ours)
      #expect(cluster["deployments", "devtunnel-web"]?.annotations["other"] == "stays")
    }
  }

  @Test("Over changed claims, over another agent, or over none, nothing is written")
  func changed() async throws {
    let changes: [@Sendable (FakeCluster) -> Void] = [
      { $0.claim(ClaimsRecord.text(Self.theirs)) },
      { $0.claim("no record any more") },
      { $0.delete("deployments", "devtunnel-web") },
      { cluster in
        cluster.change("deployments", "devtunnel-web") {
          $0[path: "metadata", "deletionTimestamp"] = "2026-01-02T03:04:05Z"
        }
      },
      { cluster in
        let agent = cluster["deployments", "devtunnel-web"]
        cluster.delete("deployments", "devtunnel-web")
        cluster.put(
          "deployments", "devtunnel-web", ["metadata": ["annotations": agent?[path: "metadata", "annotations"] ?? [:]]])
      },
    ]
    for (number, change) in changes.enumerated() where number != 1 {
      try await with { claims, cluster in
        let found = try #require(try await claims.read())
        cluster.before("patch deployments") { change($0) }
        #expect(try await !claims.write(Self.ours, over: found), "change \(number)")
        #expect(cluster.claims.holders[8080] != "alice@laptop", "change \(number)")
      }
    }
  }

  @Test("Over a changed status it is tried again, as often as that takes")
  func status() async throws {
    try await with { claims, cluster in
      let found = try #require(try await claims.read())
      for ready in 1...3 {
        cluster.change("deployments", "devtunnel-web") { $0[path: "status", "readyReplicas"] = JSONValue(ready) }
      }
      cluster.before("get deployments") { cluster in
        cluster.before("patch deployments") { cluster in
          cluster.change("deployments", "devtunnel-web") { $0[path: "status", "readyReplicas"] = 0 }
        }
      }
      #expect(try await claims.write(Self.ours, over: found))
      #expect(cluster.claims.holders == [8080: "alice@laptop"])
    }
  }

  @Test("A policy's 409 without a change ends it")
  func policy() async throws {
    let found: JSONValue = [
      "metadata": [
        "name": "devtunnel-web", "uid": "u", "resourceVersion": "1",
        "annotations": ["devtunnel.dev/workload": "web", "devtunnel.dev/claims": #"{"ports":{}}"#],
      ]
    ]
    let server = FakeAPIServer { request in
      request.method == "GET"
        ? (200, found) : (409, ["kind": "Status", "reason": "Conflict", "code": 409, "message": "not now"])
    }
    defer { server.stop() }
    let claims = AgentClaims(client: try server.client(), namespace: "shop", workload: "web")
    let read = try #require(try await claims.read())
    #expect(try await !claims.write(Self.ours, over: read))
  }

  private func expectNone(_ claims: AgentClaims) async throws {
    let found = try await claims.read()
    #expect(found == nil)
  }

  @Test("No agent: none, one that is being deleted, or another workload's of that name")
  func none() async throws {
    try await with { claims, cluster in
      cluster.change("deployments", "devtunnel-web") { $0.annotations["devtunnel.dev/workload"] = "web-2" }
      try await expectNone(claims)
      cluster.delete("deployments", "devtunnel-web")
      try await expectNone(claims)
    }
    try await with { claims, cluster in
      cluster.change("deployments", "devtunnel-web") {
        $0[path: "metadata", "deletionTimestamp"] = "2026-01-02T03:04:05Z"
      }
      try await expectNone(claims)
    }
  }

  @Test("A record that is none is found as such; a refusal is an error")
  func noRecord() async throws {
    try await with { claims, cluster in
      cluster.claim("{")
      let found = try #require(try await claims.read())
      #expect(!found.hasRecord && found.claims == Claims())
      cluster.forbid("patch deployments")
      let error = await #expect(throws: ControlError.self) { _ = try await claims.write(Self.ours, over: found) }
      #expect(error?.code == .forbidden)
    }
  }

  @Test("An agent that is to be removed loses everybody's claims first")
  func closed() async throws {
    try await with { claims, cluster in
      try await claims.close(by: "carol@tower")
      #expect(cluster.claims.closer == nil, "there was nothing to take off")
      cluster.claim(ClaimsRecord.text(Self.theirs))
      try await claims.close(by: "carol@tower")
      #expect(try await claims.read()?.claims == Claims(count: 3, closer: "carol@tower"))
      cluster.delete("deployments", "devtunnel-web")
      try await claims.close(by: "carol@tower")
    }
  }
}
