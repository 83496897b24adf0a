import ControlAPI
import KubeAPI
import KubeObjects

/// Finds Services, their Pods, and the workload behind them. It changes nothing.
public struct WorkloadFinder: Sendable {
  public let client: KubeClient
  public let namespace: String

  public init(client: KubeClient, namespace: String) {
    self.client = client
    self.namespace = namespace
  }

  /// - Throws: `.notFound`, with the names that there are.
  public func find(_ resource: APIResource, _ name: String) async throws(ControlError) -> JSONValue {
    let found = try await attempt("reading \(resource.kind) \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(resource, name, namespace: namespace)
    }
    if let found { return found }
    let others = (try? await client.list(resource, namespace: namespace))?.items.compactMap(\.name).filter { !$0.hasPrefix("devtunnel-") } ?? []
    throw ControlError(
      .notFound, "there is no \(resource.kind) '\(name)' in namespace \(namespace)",
      remedy: others.isEmpty ? "Choose another namespace with -n." : "It has: \(others.sorted().joined(separator: ", ")). Another namespace: -n.")
  }

  // MARK: Pods and their owner

  /// The living Pods that a selector selects, without agents.
  public func pods(_ selector: [String: String]) async throws(ControlError) -> [JSONValue] {
    let pods = try await attempt("listing Pods of \(namespace)") { () async throws(KubeError) in
      try await client.list(.pods, namespace: namespace, labels: LabelSelector(matchLabels: selector))
    }
    return pods.items.filter { pod in
      let phase = pod[path: "status", "phase"]?.stringValue
      return pod.labels[AgentNames.agentLabel] == nil && !pod.isBeingDeleted && phase != "Succeeded" && phase != "Failed"
    }
  }

  /// The one workload whose Pods these are.
  /// - Throws: `.refused` where there is none, or more than one.
  public func owner(of pods: [JSONValue], service: String) async throws(ControlError) -> Workload {
    guard !pods.isEmpty else {
      throw ControlError(
        .refused, "Service \(namespace)/\(service) selects no Pods: there is nothing to take the place of, and nothing to fall back to",
        remedy: "Scale its workload up first.")
    }
    var owners: Set<Owner> = []
    for pod in pods { owners.insert(Owner(pod.controllerReference, pod: pod.name ?? "")) }
    var resolved: Set<Owner> = []
    for owner in owners {
      guard owner.kind == "ReplicaSet" else {
        resolved.insert(owner)
        continue
      }
      let set = try await attempt("reading ReplicaSet \(namespace)/\(owner.name)") { () async throws(KubeError) in
        try await client.find(.replicaSets, owner.name, namespace: namespace)
      }
      resolved.insert(set?.controllerReference.map { Owner($0, pod: "") } ?? owner)
    }
    guard resolved.count == 1, let only = resolved.first else {
      throw ControlError(
        .refused, "Service \(namespace)/\(service) selects Pods of several owners: \(resolved.map(\.description).sorted().joined(separator: ", "))",
        remedy: "Intercept a Service that selects one workload.")
    }
    let resources: [String: APIResource] = ["Deployment": .deployments, "StatefulSet": .statefulSets, "ReplicaSet": .replicaSets]
    guard let resource = resources[only.kind] else {
      throw ControlError(.refused, "the Pods of Service \(namespace)/\(service) belong to \(only.description), which cannot be intercepted", remedy: "Deployments, StatefulSets and ReplicaSets can.")
    }
    return Workload(try await find(resource, only.name), resource: resource)
  }

  private struct Owner: Hashable {
    let kind: String
    let name: String

    init(_ reference: JSONValue?, pod: String) {
      kind = reference?["kind"]?.stringValue ?? "Pod"
      name = reference?["name"]?.stringValue ?? pod
    }

    var description: String { "\(kind)/\(name)" }
  }
}
