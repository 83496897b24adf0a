import ControlAPI
import Foundation
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@testable import Agents

/// The agent's Deployment is made for its namespace.
@Suite(.timeLimit(.minutes(1))) struct AgentDeployerTests {
  /// The container of the Deployment that is created.
  private func deployed(_ objects: FakeNamespace.Objects) async throws -> JSONValue {
    let requests = try await requests(objects)
    let created = requests.first { $0.method == "POST" && $0.path.hasSuffix("/deployments") }
    return try #require(created?.json?[path: "spec", "template", "spec", "containers"]?[0])
  }

  /// All that is asked of the API server.
  private func requests(_ objects: FakeNamespace.Objects) async throws -> [HTTPTestServer.Request] {
    let share = FileManager.default.temporaryDirectory.appending(path: "devtunnel-\(UUID())")
    try FileManager.default.createDirectory(at: share, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: share) }
    try Data("ELF".utf8).write(to: share.appending(path: "devtunnel-agent-amd64"))
    let cluster = FakeNamespace(objects)
    return try await withServer {
      cluster.answer($0, $1)
    } _: { client, server in
      let manifests = AgentManifests(workload: "user", namespace: "testbed", holder: "alice@laptop", service: "user")
      let deployer = AgentDeployer(client: client, installation: Installation(share: share.path), manifests: manifests)
      let template = AgentPodTemplate(
        workload: "user", containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
      let bare: JSONValue = [
        "metadata": [:], "spec": ["containers": [["name": "user", "image": "registry.example/user:1"]]],
      ]
      _ = try await deployer.deploy(template: template, from: bare, selector: nil)
      return server.requests
    }
  }

  private static func namespace(_ level: String) -> JSONValue {
    ["metadata": ["name": "testbed", "labels": ["pod-security.kubernetes.io/enforce": JSONValue(level)]]]
  }

  @Test("LimitRanges and `restricted` are met")
  func demands() async throws {
    let range: JSONValue = [
      "metadata": ["name": "r"],
      "spec": ["limits": [["type": "Container", "min": ["cpu": "100m", "memory": "64Mi"]]]],
    ]
    let container = try await deployed(
      .init(lists: ["limitranges": [range], "namespaces": [Self.namespace("restricted")]]))
    #expect(container["resources"] == ["requests": ["cpu": "100m", "memory": "64Mi"]])
    #expect(container[path: "securityContext", "runAsNonRoot"] == true)
    #expect(container[path: "securityContext", "capabilities", "drop"] == ["ALL"])
  }

  @Test("`baseline` demands nothing of absent fields")
  func baseline() async throws {
    let container = try await deployed(.init(lists: ["namespaces": [Self.namespace("baseline")]]))
    #expect(container["securityContext"] == nil)
  }

  @Test("Tries the agent as it is if neither may be read")
  func forbidden() async throws {
    let container = try await deployed(.init(forbidden: ["limitranges", "namespaces"]))
    #expect(container["resources"] == ["requests": ["cpu": "10m", "memory": "16Mi"]])
    #expect(container["securityContext"] == nil)
  }

  // MARK: What an earlier agent left

  /// A ConfigMap and a Secret whose Deployment is gone.
  private static func leftovers(_ holder: Holder?) -> FakeNamespace.Objects {
    let owner: JSONValue = ["metadata": ["name": "devtunnel-user", "uid": "gone"]]
    let manifests = AgentManifests(workload: "user", namespace: "testbed", holder: holder ?? "", service: "user")
    var objects = FakeNamespace.Objects(refusesTaken: true)
    for (collection, object) in [
      ("configmaps", manifests.configMap(agents: [:], owner: owner)),
      ("secrets", manifests.secret(token: "old", owner: owner)),
    ] {
      var object = object.with(uid: "left")
      if holder == nil { object[path: "metadata", "annotations"] = [:] }
      objects.lists[collection] = [object]
    }
    return objects
  }

  private static let alice = Holder(name: "alice@laptop", installation: nil)

  @Test("Objects that an earlier agent of ours left are replaced, by their UIDs")
  func ownLeftovers() async throws {
    let requests = try await requests(Self.leftovers(Self.alice))
    for collection in ["configmaps", "secrets"] {
      let path = "/api/v1/namespaces/testbed/\(collection)"
      let ours = requests.filter { $0.path.hasPrefix(path) }
      #expect(ours.map(\.method) == ["POST", "GET", "DELETE", "POST"], "\(collection)")
      let deletion = try #require(ours.first { $0.method == "DELETE" })
      #expect(deletion.json?[path: "preconditions", "uid"] == "left")
    }
    #expect(requests.contains { $0.method == "PATCH" && $0.path.hasSuffix("/deployments/devtunnel-user") })
  }

  @Test(
    "Another's objects stay, and the error names one and what to do",
    arguments: [
      (Holder(name: "bob@desk", installation: nil), "was made by bob@desk"),
      (Holder(name: "alice@laptop", installation: "0011223344556677"), "another installation of that name"),
      (nil, "does not say whose it is"),
    ] as [(Holder?, String)])
  func foreignLeftovers(holder: Holder?, whose: String) async throws {
    let error = try #require(
      await #expect(throws: ControlError.self) { try await requests(Self.leftovers(holder)) })
    #expect(error.code == .conflict && error.message.contains(whose), "\(error.message)")
    #expect(error.message.contains("testbed/devtunnel-user is in the way"), "\(error.message)")
    #expect(error.remedy?.contains("kubectl delete ") == true)
    #expect(error.remedy?.contains("-n testbed devtunnel-user") == true)
  }
}
