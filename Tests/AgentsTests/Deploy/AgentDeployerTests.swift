import HTTPTestSupport
import Foundation
import KubeAPI
import KubeObjects
import Testing

@testable import Agents

/// The agent's Deployment is made for its namespace.
@Suite(.timeLimit(.minutes(1))) struct AgentDeployerTests {
  /// The container of the Deployment that is created.
  private func deployed(_ objects: FakeNamespace.Objects) async throws -> JSONValue {
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
      let created = server.requests.first { $0.method == "POST" && $0.path.hasSuffix("/deployments") }
      return try #require(created?.json?[path: "spec", "template", "spec", "containers"]?[0])
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
}
