import Foundation
import KubeAPI
import KubeObjects
import Testing

@testable import Agents

/// templates/agent.yaml shows the objects in a cluster; they must stay those that the code makes.
struct AgentExampleTests {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../../templates/agent.yaml")

  /// The UID that the API server adds to the Deployment that owns the rest.
  private static let uid = "00000000-0000-0000-0000-000000000000"

  /// The objects for Deployment `user` in namespace `testbed`, as an intercept applies them.
  private var objects: [JSONValue] {
    var template = AgentPodTemplate(
      workload: "user", containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
    template.originName = "devtunnel-user-origin.testbed.svc"
    template.agentsName = "devtunnel-user-agents.testbed.svc"
    let name = "devtunnel-user-0123456789abcdef"
    template.objects = name
    template.preferredNodes = ["node-1"]
    let manifests = AgentManifests(workload: "user", namespace: "testbed", holder: "alice@laptop", service: "user")
    let deployment = manifests.deployment(template: template.make(from: UserWorkload.template), replicas: 1)
    let owner = OwnerReference(apiVersion: "apps/v1", kind: "Deployment", name: "devtunnel-user", uid: Self.uid)
    return [
      deployment, manifests.configMap(name, agents: [.amd64: Array("ELF…".utf8)], owner: owner),
      manifests.secret(name, token: String(repeating: "0", count: 64), owner: owner),
      manifests.originService(selector: UserWorkload.labels, owner: owner), manifests.agentsService(owner: owner),
    ]
  }

  @Test("Every object of templates/agent.yaml is the one that the code makes")
  func example() throws {
    let text = try String(contentsOf: Self.file, encoding: .utf8)
    let documents = try ManifestFile.objects(in: text, file: Self.file.lastPathComponent)
    #expect(documents.count == objects.count)
    for (document, object) in zip(documents, objects) {
      #expect(document == object, "\(object.kind ?? "") \(object.name ?? "")")
    }
  }
}
