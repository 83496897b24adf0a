import Agents
import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept
@testable import Operations

/// A daemon's engine with files of its own, and intercepts that are as if they had been set up, but for the tunnel.
struct TestDaemon: Sendable {
  let operations: ClusterOperations
  let folder: String
  let installation: Installation

  var journalPath: String { folder + "/journal" }

  /// - Parameter folder: an earlier daemon's, to go on from its journal.
  init(holder: String = "alice@laptop", folder: String? = nil) throws {
    let folder = folder ?? FileManager.default.temporaryDirectory.path + "/devtunnel-ops-" + UUID().uuidString
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder + "/share", withIntermediateDirectories: true)
    for architecture in Architecture.allCases {
      try "a program".write(
        toFile: "\(folder)/share/devtunnel-agent-\(architecture)", atomically: true, encoding: .utf8)
    }
    installation = Installation(share: folder + "/share")
    var settings = ClusterOperations.Settings(journalPath: folder + "/journal", runtime: folder)
    settings.holder = holder
    settings.installation = installation
    operations = try ClusterOperations(settings, log: PocketCluster.quiet)
  }

  func remove() {
    operations.relay.stop()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// An intercept of a Service of Deployment `web`: journal, Lease, agent, diverted Service.
  @discardableResult
  func stand(_ service: String = "web", in cluster: PocketCluster, as selection: ClusterSelection? = nil) async throws
    -> Interception
  {
    let selection = selection ?? cluster.selection()
    let there = try await operations.reach(selection)
    let interception = await operations.made(
      InterceptRequest(cluster: selection, service: service, ports: []), there, installation: installation)
    try await interception.stand(cluster)
    return interception
  }

  /// Returns the error of an intercept that is refused.
  func refusal(_ request: InterceptRequest) async -> ControlError? {
    await #expect(throws: ControlError.self) { _ = try await operations.intercept(request) { _ in } }
  }

  func journal() throws -> [Journal.Entry] { Journal(path: journalPath).all }
}

extension ClusterOperations {
  /// The key of a cluster that has been seen so.
  func meet(_ seen: ClusterIdentity) -> ClusterIdentity { known.identity(of: seen) }

  func note(_ entry: Journal.Entry) throws { try journal.add(entry) }

  /// An intercept among those that the daemon holds.
  fileprivate func made(_ request: InterceptRequest, _ there: ReachedCluster, installation: Installation)
    -> Interception
  {
    let context = InterceptContext(
      client: there.client, relay: relay, installation: installation, journal: journal, protocols: .auto,
      holder: holder, log: log)
    let interception = Interception(request, cluster: there.identity, namespace: there.namespace, context: context)
    interceptions.append(interception)
    return interception
  }
}

extension Interception {
  /// Does to the cluster what setting up does, without a tunnel.
  fileprivate func stand(_ cluster: PocketCluster) async throws {
    let workload = Workload(try await client.get(.deployments, "web", namespace: namespace), resource: .deployments)
    let plan = InterceptPlan(
      namespace: namespace, service: request.service, workload: workload, container: "web",
      ports: [PlannedPort(servicePort: 80, name: "http", podPort: 8080, localPort: 8080, speaksHTTP2: false)],
      listen: [8080],
      selector: ["app": "web"], nodes: [],
      warnings: [])
    self.plan = plan
    try context.journal.add(entry)
    let lease = WorkloadLease(
      client: client, namespace: namespace, workload: "web", service: request.service, holder: context.holder)
    transitions = try await lease.acquire(takeOver: false)
    self.lease = lease
    let manifests = AgentManifests(
      workload: "web", namespace: namespace, holder: context.holder, service: request.service)
    let deployer = AgentDeployer(client: client, installation: context.installation, manifests: manifests)
    self.deployer = deployer
    if let standing = try await deployer.existing() {
      agentUID = standing.uid
    } else {
      let template = AgentPodTemplate(
        workload: "web", containerName: "web", listen: [8080], controlPort: 17_717, architecture: .amd64)
      agentUID = try await deployer.deploy(template: template, from: workload.template, selector: ["app": "web"]).uid
    }
    try await ServiceDivert(
      client: client, namespace: namespace, service: request.service, workload: "web", selector: ["app": "web"]
    )
    .divert(holder: context.holder.name)
    isDiverted = true
    state = .active
  }
}
