import Agents
import ControlAPI
import Forward
import Intercept
import KubeAPI
import KubeObjects
import Workloads

// Intercepts whose connections continue in another cluster, through a gateway there.

extension ClusterOperations {
  /// Returns the route to an intercept's target; nil if that is the host.
  func joining(_ request: InterceptRequest, _ here: ReachedCluster) -> JoinedCluster.Open? {
    guard let target = request.target else { return nil }
    return { ports, progress throws(ControlError) in
      try await self.join(target, ports: ports, for: request.service, here, progress)
    }
  }

  /// Opens the connection to an intercept's target. A wrong name is reported before anything is started in that
  /// cluster.
  /// - Parameter here: the cluster with the intercepted Service.
  func join(
    _ wanted: InterceptTarget, ports: [UInt16], for service: String, _ here: ReachedCluster,
    _ progress: @escaping Progress
  ) async throws(ControlError) -> JoinedCluster {
    let parsed = try ForwardTarget(parsing: wanted.target)
    let there = try await reach(wanted.cluster)
    let (client, namespace) = (there.client, there.namespace)
    for port in ports { _ = try await parsed.resolve("\(port)", client: client, namespace: namespace) }
    if parsed.kind == .service { try await refuseCircle(parsed.name, there, service, here) }
    let link = try await gatewayLink(there, wanted.cluster, image: wanted.agentImage) {
      progress("\(there.context): \($0)")
    }
    return JoinedCluster(context: there.context, namespace: namespace, target: wanted.target, link: link) {
      port throws(ControlError) in
      try await parsed.resolve("\(port)", client: client, namespace: namespace)
    }
  }

  /// Refuses a Service that selects the intercepted Pods: it would select the agent too, and each connection would
  /// loop.
  private func refuseCircle(
    _ target: String, _ other: ReachedCluster, _ service: String, _ own: ReachedCluster
  ) async throws(ControlError) {
    guard own.identity == other.identity, own.namespace == other.namespace else { return }
    let (here, there, namespace) = (own.client, other.client, own.namespace)
    let isCircle = try await attempt("comparing Service \(service) with its target") { () async throws(KubeError) in
      guard let intercepted = try await here.find(.services, service, namespace: namespace),
        let aimed = try await there.find(.services, target, namespace: namespace)
      else { return false }
      var ours = intercepted[path: "spec", "selector"]?.stringMap ?? [:]
      ours[AgentNames.agentLabel] = nil
      let theirs = aimed[path: "spec", "selector"]?.stringMap ?? [:]
      guard !ours.isEmpty, !theirs.isEmpty, theirs.allSatisfy({ key, value in ours[key] ?? value == value }) else {
        return false
      }
      let both = ours.merging(theirs) { $1 }
      return try await !here.list(.pods, namespace: namespace, labels: LabelSelector(matchLabels: both)).items.isEmpty
    }
    guard isCircle else { return }
    throw ControlError(
      .refused,
      "Service \(target) selects the same Pods as Service \(service), the one to intercept: "
        + "connections would go in a circle",
      remedy: "Name a Service of another cluster (--to-context) or namespace (--to-namespace).")
  }
}
