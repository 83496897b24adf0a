import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeAPI
import KubeObjects
import Testing
import Workloads

@testable import Intercept
@testable import Operations

/// A daemon's engine with files of its own, and intercepts that are as if they had been set up, but for the tunnel.
struct TestDaemon: Sendable {
  let operations: ClusterOperations
  let folder: String
  let installation: Installation

  var journalPath: String { folder + "/journal" }

  /// - Parameters:
  ///   - folder: an earlier daemon's, to go on from its journal.
  ///   - program: the agent's, of this installation.
  init(
    holder: String = "alice@laptop", folder: String? = nil, program: String = "a program",
    gatewayIdle: Duration = .seconds(600)
  ) throws {
    let folder = folder ?? FileManager.default.temporaryDirectory.path + "/devtunnel-ops-" + UUID().uuidString
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder + "/share", withIntermediateDirectories: true)
    for architecture in Architecture.allCases {
      try program.write(
        toFile: "\(folder)/share/devtunnel-agent-\(architecture)", atomically: true, encoding: .utf8)
    }
    installation = Installation(share: folder + "/share")
    var settings = ClusterOperations.Settings(journalPath: folder + "/journal", runtime: folder)
    settings.holder = holder
    settings.installation = installation
    settings.gatewayIdle = gatewayIdle
    operations = try ClusterOperations(settings, log: PocketCluster.quiet)
  }

  func remove() {
    operations.relay.stop()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// An intercept of a Service of Deployment `web`: journal, Lease, agent, diverted Service.
  /// - Parameter answer: the session's part; nil for an agent that works.
  @discardableResult
  func stand(
    _ service: String = "web", in cluster: PocketCluster, as selection: ClusterSelection? = nil, takeOver: Bool = false,
    rules: RequestRules? = nil, replaces: Bool = false, answer: (@Sendable (Step) async -> Outcome?)? = nil
  ) async throws -> Interception {
    let selection = selection ?? cluster.selection()
    let there = try await operations.reach(selection)
    var request = InterceptRequest(cluster: selection, service: service, ports: [])
    request.takeOver = takeOver
    request.rules = rules
    request.replace = replaces
    let interception = await operations.made(request, there, installation: installation) { step in
      if let outcome = await answer?(step) { return outcome }
      switch step {
      case .admit: return .admitted(isSteady: true)
      case .drain: return .drained(cut: 0)
      case .retire: try? await cluster.setAgents(ready: false)
      default: break
      }
      return .done
    }
    do { try await interception.stand(cluster) } catch {
      await operations.remove(interception)
      throw error
    }
    return interception
  }

  /// The daemon's intercepts of the workload of an intercept.
  func workload(of interception: Interception) async -> InterceptedWorkload {
    await operations.workload(of: interception)
  }

  /// Returns the error of an intercept that is refused.
  func refusal(_ request: InterceptRequest) async -> ControlError? {
    await #expect(throws: ControlError.self) { _ = try await operations.intercept(request) { _ in } }
  }

  /// The process ends: it sees and does nothing more.
  func die() async { await operations.die() }

  /// As claims name it.
  var identity: String { get async { await operations.holder.identity } }

  func journal() throws -> [Journal.Entry] { Journal(path: journalPath).all }
}

extension ClusterOperations {
  /// The key of a cluster that has been seen so.
  func meet(_ seen: ClusterIdentity) -> ClusterIdentity { known.identity(of: seen) }

  func note(_ entry: Journal.Entry) throws { try journal.add(entry) }

  fileprivate func workload(of interception: Interception) -> InterceptedWorkload {
    let place = WorkloadPlace(cluster: interception.id.cluster, namespace: interception.namespace, workload: "web")
    return workload(place, interception.context)
  }

  fileprivate func die() async {
    for interception in interceptions { await workload(of: interception).die() }
    interceptions = []
  }

  fileprivate func remove(_ interception: Interception) { interceptions.removeAll { $0 === interception } }

  /// An intercept among those that the daemon holds, whose agent answers as one that works.
  fileprivate func made(
    _ request: InterceptRequest, _ there: ReachedCluster, installation: Installation,
    _ answer: @escaping @Sendable (Step) async -> Outcome
  ) -> Interception {
    let context = InterceptContext(
      client: there.client, relay: relay, installation: installation, journal: journal, protocols: .auto,
      holder: holder, log: log)
    let place = WorkloadPlace(cluster: there.identity, namespace: there.namespace, workload: "web")
    let workload = workload(place, context)
    let interception = Interception(request, cluster: there.identity, namespace: there.namespace, context: context) {
      _, _ in
      await workload.standIn(answer)
      return workload
    }
    interceptions.append(interception)
    return interception
  }
}

extension InterceptedWorkload {
  fileprivate func standIn(_ answer: @escaping @Sendable (Step) async -> Outcome) { standIn = answer }

  /// The agent refuses the session, since it knows a later claim.
  func supersede() async {
    observe(.session(.closed))
    observe(.finished(.verify, await perform(.verify)))
  }

  /// The session ends, and opens again.
  func reconnect() {
    observe(.session(.closed))
    observe(.session(.opened))
  }

  /// Reconnects each second until it is so: the real link, which reaches no agent here, may close the session before
  /// the claims have been read.
  nonisolated func reconnect(
    until what: String, at location: SourceLocation = #_sourceLocation, _ isSo: () async throws -> Bool
  ) async throws {
    var next = ContinuousClock.now
    try await eventually(what, at: location) {
      if ContinuousClock.now >= next {
        await reconnect()
        next = .now + .seconds(1)
      }
      return try await isSo()
    }
  }

  fileprivate func die() {
    for member in members.values { for feed in member.feeds { feed.cancel() } }
    renewal?.cancel()
  }

  func renewLease() async throws { try await lease.renew() }

  /// The agent loses its record of claims, as one that a former version made has none.
  func forgetClaims() async throws {
    let patch: JSONValue = ["metadata": ["annotations": [ClaimsRecord.annotation: nil]]]
    try await client.patch(.deployments, AgentNames.base("web"), namespace: "shop", type: .merge, patch)
  }
}

extension Interception {
  /// Sets up the intercept in a cluster without nodes.
  fileprivate func stand(_ cluster: PocketCluster) async throws {
    let workload = Workload(
      try await cluster.client.get(.deployments, "web", namespace: namespace), resource: .deployments)
    let plan = InterceptPlan(
      namespace: namespace, service: request.service, workload: workload, container: "web",
      ports: [PlannedPort(servicePort: 80, name: "http", podPort: 8080, localPort: 8080, speaksHTTP2: false)],
      listen: [8080], selector: ["app": "web"], nodes: [], warnings: [])
    try await take(plan, nil) { _ in }
  }
}
