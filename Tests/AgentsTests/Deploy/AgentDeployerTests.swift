import ControlAPI
import Foundation
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@testable import Agents
@testable import Workloads

/// The agent's Deployment is made for its namespace.
@Suite(.timeLimit(.minutes(1))) struct AgentDeployerTests {
  /// The container of the Deployment that is created.
  private func deployed(_ objects: FakeNamespace.Objects) async throws -> JSONValue {
    let requests = try await requests(objects)
    let created = requests.first { $0.method == "POST" && $0.path.hasSuffix("/deployments") }
    return try #require(created?.json?[path: "spec", "template", "spec", "containers"]?[0])
  }

  /// All that is asked of the API server.
  private func requests(_ objects: FakeNamespace.Objects, selector: [String: String]? = nil) async throws
    -> [HTTPTestServer.Request]
  {
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
      _ = try await deployer.deploy(template: template, from: bare, selector: selector)
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

  @Test("The Secret and the ConfigMap cannot be edited, and their name is another for each agent")
  func immutable() async throws {
    var names: Set<String> = []
    for _ in 0..<2 {
      let requests = try await requests(.init())
      let made = requests.filter { $0.method == "POST" }.compactMap(\.json)
      let objects = made.filter { ["ConfigMap", "Secret"].contains($0.kind) }
      #expect(objects.count == 2 && objects.allSatisfy { $0["immutable"] == true })
      let template = try #require(made.first { $0.kind == "Deployment" }?[path: "spec", "template"])
      let name = AgentNames.objects(in: template, of: "user")
      #expect(name.wholeMatch(of: /devtunnel-user-[0-9a-f]{16}/) != nil)
      #expect(objects.allSatisfy { $0.name == name })
      #expect(
        template[path: "spec", "volumes"]?.elements.last?[path: "configMap", "name"]?.stringValue == name)
      names.insert(name)
    }
    #expect(names.count == 2)
  }

  // MARK: What an earlier agent left

  /// Two Services whose Deployment is gone.
  private static func leftovers(_ holder: Holder?) -> FakeNamespace.Objects {
    let owner = OwnerReference(apiVersion: "apps/v1", kind: "Deployment", name: "devtunnel-user", uid: "gone")
    let manifests = AgentManifests(workload: "user", namespace: "testbed", holder: holder ?? "", service: "user")
    var objects = FakeNamespace.Objects(refusesTaken: true)
    objects.lists["services"] = [
      manifests.originService(selector: selector, owner: owner), manifests.agentsService(owner: owner),
    ].map { service in
      var object = service.with(uid: "left")
      if holder == nil { object[path: "metadata", "annotations"] = [:] }
      return object
    }
    return objects
  }

  private static let selector = ["app": "user"]
  private static let alice = Holder(name: "alice@laptop", installation: nil)

  @Test("Objects that an earlier agent of ours left are replaced, by their UIDs")
  func ownLeftovers() async throws {
    let requests = try await requests(Self.leftovers(Self.alice), selector: Self.selector)
    for name in ["devtunnel-user-origin", "devtunnel-user-agents"] {
      let ours = requests.filter { $0.path.hasSuffix("/services/\(name)") || $0.json?.name == name }
      #expect(ours.map(\.method) == ["POST", "GET", "DELETE", "POST"], "\(name)")
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
      await #expect(throws: ControlError.self) { try await requests(Self.leftovers(holder), selector: Self.selector) })
    #expect(error.code == .conflict && error.message.contains(whose), "\(error.message)")
    #expect(error.message.contains(/testbed.devtunnel-user-(origin|agents) is in the way/), "\(error.message)")
    #expect(error.remedy?.contains("kubectl delete ") == true)
    #expect(error.remedy?.contains("-n testbed devtunnel-user-") == true)
  }
}
