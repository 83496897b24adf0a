import Agents
import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import Testing
import Workloads

@testable import Intercept
@testable import Operations

/// Two people of one name (`root@localhost`) in one namespace, each with an installation of their own.
@Suite(.timeLimit(.minutes(2))) struct ColleaguesTests {
  private func with(
    _ body: @Sendable @escaping (PocketCluster, _ one: TestDaemon, _ two: TestDaemon) async throws -> Void
  ) async throws {
    try await PocketCluster.run("shared") { clusters in
      let (one, two) = (try TestDaemon(holder: "root@localhost"), try TestDaemon(holder: "root@localhost"))
      defer {
        one.remove()
        two.remove()
      }
      try await body(clusters[0], one, two)
      for daemon in [one, two] { _ = await daemon.operations.shutDown { _ in } }
    }
  }

  @Test("Neither takes the other's fresh Lease, nor restores what the other holds, without --take-over or --yes")
  func leases() async throws {
    try await with { cluster, one, two in
      try await one.stand(in: cluster)
      let refused = await #expect(throws: ControlError.self) { try await two.stand(in: cluster) }
      #expect(refused?.code == .conflict)
      #expect(refused?.message.contains("root@localhost (another installation of that name)") == true)

      let report = try await two.operations.restore(
        RestoreRequest(cluster: cluster.selection(), service: nil, force: false)
      ) { _ in }
      #expect(report.done.isEmpty && report.left.count == 1, "\(report)")
      #expect(try await !cluster.isItself())
      let listed = try await two.operations.list(cluster.selection(), allNamespaces: false)
      #expect(
        listed.first { $0.service == "web" }?.interceptedBy == "root@localhost (another installation of that name)")
      #expect(
        try await one.operations.list(cluster.selection(), allNamespaces: false).first { $0.service == "web" }?
          .interceptedBy == "root@localhost")

      let forced = try await two.operations.restore(
        RestoreRequest(cluster: cluster.selection(), service: nil, force: true)
      ) { _ in }
      #expect(!forced.done.isEmpty)
      #expect(try await cluster.isItself())
    }
  }

  @Test(
    "Adopts a running agent if it is what the API server makes of ours, and not if it was changed"
  )
  func adoption() async throws {
    try await with { cluster, one, _ in
      try await one.stand(in: cluster)
      let manifests = AgentManifests(workload: "web", namespace: "shop", holder: "x", service: "web")
      let deployer = AgentDeployer(client: cluster.client, installation: one.installation, manifests: manifests)
      var template = AgentPodTemplate(
        workload: "web", containerName: "web", listen: [8080], controlPort: 17_717, architecture: .amd64)
      template.originName = "devtunnel-web-origin.shop.svc"
      template.agentsName = "devtunnel-web-agents.shop.svc"
      let workload = Workload(
        try await cluster.client.get(.deployments, "web", namespace: "shop"), resource: .deployments)
      let standing = try #require(try await deployer.existing())
      #expect(try await deployer.stands(standing, as: template, from: workload.template))
      // A container that a colleague would put beside the agent.
      try await cluster.client.patch(
        .deployments, "devtunnel-web", namespace: "shop", type: .json,
        [["op": "add", "path": "/spec/template/spec/containers/-", "value": ["name": "x", "image": "evil"]]])
      let changed = try #require(try await deployer.existing())
      #expect(try await !deployer.stands(changed, as: template, from: workload.template))
    }
  }
}
