import Agents
import ControlAPI
import Foundation
import KubeAPI
import Logging
import Relay
import Testing

@testable import Intercept

/// An intercept of Service `web` in namespace `shop`, set up as far as its Lease and its agent.
func withInterception<Result>(
  _ server: FakeAPIServer, _ body: (Interception, Journal) async throws -> Result
) async throws -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("devtunnel-journal-\(UUID().uuidString)")
    .path
  defer { try? FileManager.default.removeItem(atPath: path) }
  let journal = Journal(path: path)
  let context = InterceptContext(
    client: try server.client(), relay: try #require(RelayThread()), installation: Installation(share: "/nowhere"),
    journal: journal, protocols: .auto,
    holder: "alice@laptop", log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  let interception = Interception(
    InterceptRequest(cluster: ClusterSelection(), service: "web", ports: []),
    cluster: ClusterIdentity(server: "https://fake"), namespace: "shop",
    context: context)
  await interception.stand()
  try journal.add(await interception.entry)
  return try await body(interception, journal)
}

extension Interception {
  fileprivate func stand() {
    let manifests = AgentManifests(workload: "web", namespace: "shop", holder: context.holder, service: "web")
    deployer = AgentDeployer(client: client, installation: context.installation, manifests: manifests)
    lease = WorkloadLease(client: client, namespace: "shop", workload: "web", service: "web", holder: context.holder)
    transitions = 1
  }

  func remember(agent uid: String) { agentUID = uid }

  func renewNow() async -> Bool { await renew(lease!, transitions) }
}
