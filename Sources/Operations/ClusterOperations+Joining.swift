import Agents
import ControlAPI
import Forward
import Intercept
import KubeAPI
import KubeObjects

// An intercept whose connections go on in another cluster, through a gateway there.

extension ClusterOperations {
  /// How an intercept's target is reached; nil where that is the host.
  func joining(_ request: InterceptRequest, _ client: KubeClient) -> JoinedCluster.Open? {
    guard let target = request.target else { return nil }
    return { ports, progress throws(ControlError) in try await self.join(target, ports: ports, for: request.service, client, progress) }
  }

  /// Opens the way to an intercept's target. A wrong name is told before anything is started in that cluster.
  /// - Parameter client: of the cluster with the intercepted Service.
  func join(
    _ wanted: InterceptTarget, ports: [UInt16], for service: String, _ client: KubeClient, _ progress: @escaping Progress
  ) async throws(ControlError) -> JoinedCluster {
    let parsed = try ForwardTarget(parsing: wanted.target)
    let there = try await reach(wanted.cluster)
    let namespace = there.access.namespace
    for port in ports { _ = try await parsed.resolve("\(port)", client: there, namespace: namespace) }
    if parsed.kind == .service { try await refuseCircle(parsed.name, there, service, client) }
    let link = try await gatewayLink(there, wanted.cluster, image: wanted.agentImage) { progress("\(there.access.contextName): \($0)") }
    return JoinedCluster(context: there.access.contextName, namespace: namespace, target: wanted.target, link: link) { port throws(ControlError) in
      try await parsed.resolve("\(port)", client: there, namespace: namespace)
    }
  }

  /// A Service that leads to the intercepted Pods would lead to the agent too, and each connection round and round.
  private func refuseCircle(_ target: String, _ there: KubeClient, _ service: String, _ here: KubeClient) async throws(ControlError) {
    guard await isSameNamespace(here, there) else { return }
    let namespace = here.access.namespace
    let isCircle = try await attempt("comparing Service \(service) with its target") { () async throws(KubeError) in
      guard let intercepted = try await here.find(.services, service, namespace: namespace),
        let aimed = try await there.find(.services, target, namespace: namespace)
      else { return false }
      var ours = intercepted[path: "spec", "selector"]?.stringMap ?? [:]
      ours[AgentNames.agentLabel] = nil
      let theirs = aimed[path: "spec", "selector"]?.stringMap ?? [:]
      guard !ours.isEmpty, !theirs.isEmpty, theirs.allSatisfy({ key, value in ours[key] ?? value == value }) else { return false }
      let both = ours.merging(theirs) { $1 }
      return try await !here.list(.pods, namespace: namespace, labels: LabelSelector(matchLabels: both)).items.isEmpty
    }
    guard isCircle else { return }
    throw ControlError(
      .refused, "Service \(target) leads to the same Pods as Service \(service), which is to be intercepted: connections would go in a circle",
      remedy: "Name a Service of another cluster (--to-context) or namespace (--to-namespace).")
  }

  /// Two contexts may be one cluster: the namespaces' UIDs tell, and where they may not be read, the servers' addresses.
  private func isSameNamespace(_ here: KubeClient, _ there: KubeClient) async -> Bool {
    guard here.access.namespace == there.access.namespace else { return false }
    if let ours = try? await here.find(.namespaces, here.access.namespace)?.uid, let theirs = try? await there.find(.namespaces, there.access.namespace)?.uid {
      return ours == theirs
    }
    return "\(here.access.server)" == "\(there.access.server)"
  }
}
