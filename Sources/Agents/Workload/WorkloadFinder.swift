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

  /// Reads an object.
  /// - Throws: `.notFound`, with the names that exist.
  public func find(_ resource: APIResource, _ name: String) async throws(ControlError) -> JSONValue {
    let found = try await attempt("reading \(resource.kind) \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(resource, name, namespace: namespace)
    }
    if let found { return found }
    let others =
      (try? await client.list(resource, namespace: namespace))?.items.compactMap(\.name).filter {
        !$0.hasPrefix("devtunnel-")
      } ?? []
    throw ControlError(
      .notFound, "there is no \(resource.kind) '\(name)' in namespace \(namespace)",
      remedy: others.isEmpty
        ? "Choose another namespace with -n."
        : "It has: \(others.sorted().joined(separator: ", ")). Another namespace: -n.")
  }

  // MARK: Pods and their owner

  /// Lists the living Pods that a selector selects, without agents.
  public func pods(_ selector: [String: String]) async throws(ControlError) -> [JSONValue] {
    let pods = try await attempt("listing Pods of \(namespace)") { () async throws(KubeError) in
      try await client.list(.pods, namespace: namespace, labels: LabelSelector(matchLabels: selector))
    }
    return pods.items.filter(Self.isLiving)
  }

  /// Checks that a Pod is not an agent's, has not ended and is not about to end.
  public static func isLiving(_ pod: JSONValue) -> Bool {
    let phase = pod[path: "status", "phase"]?.stringValue
    return pod.labels[AgentNames.agentLabel] == nil && !pod.isBeingDeleted && phase != "Succeeded" && phase != "Failed"
  }

  /// Returns the one workload that owns the Pods.
  /// - Throws: `.refused` if there is none, or more than one.
  public func owner(of pods: [JSONValue], service: String) async throws(ControlError) -> Workload {
    var sets: [String: JSONValue] = [:]
    let references = pods.compactMap(\.controllerReference).filter { $0["kind"]?.stringValue == "ReplicaSet" }
    for name in Set(references.compactMap { $0["name"]?.stringValue }) {
      sets[name] = try await attempt("reading ReplicaSet \(namespace)/\(name)") { () async throws(KubeError) in
        try await client.find(.replicaSets, name, namespace: namespace)
      }
    }
    let owners = Self.owners(of: pods) { sets[$0] }
    if let refusal = Self.refusal(of: owners, service: "\(namespace)/\(service)") { throw refusal }
    guard let only = owners.first, let resource = Self.resources[only.kind] else {
      throw ControlError(.refused, "Service \(namespace)/\(service) has no workload")
    }
    return Workload(try await find(resource, only.name), resource: resource)
  }

  /// Returns the Pods' owners; a ReplicaSet's Deployment takes its place.
  public static func owners(of pods: [JSONValue], replicaSet: (String) -> JSONValue?) -> Set<Owner> {
    var owners: Set<Owner> = []
    for pod in pods {
      let owner = Owner(pod.controllerReference, pod: pod.name ?? "")
      let above = owner.kind == "ReplicaSet" ? replicaSet(owner.name)?.controllerReference : nil
      owners.insert(above.map { Owner($0, pod: "") } ?? owner)
    }
    return owners
  }

  /// Returns the reason why the Pods of a Service cannot be intercepted; nil if they belong to one workload that can
  /// be.
  /// - Parameter service: `NAMESPACE/NAME`.
  public static func refusal(of owners: Set<Owner>, service: String) -> ControlError? {
    guard let only = owners.first else {
      return ControlError(
        .refused,
        "Service \(service) selects no Pods: there is nothing to take the place of, and nothing to fall back to",
        remedy: "Scale its workload up first.")
    }
    guard owners.count == 1 else {
      return ControlError(
        .refused,
        "Service \(service) selects Pods of several owners: "
          + owners.map(\.description).sorted().joined(separator: ", "),
        remedy: "Intercept a Service that selects one workload.")
    }
    guard resources[only.kind] == nil else { return nil }
    return ControlError(
      .refused, "the Pods of Service \(service) belong to \(only.description), which cannot be intercepted",
      remedy: "Deployments, StatefulSets and ReplicaSets can.")
  }

  private static let resources: [String: APIResource] = [
    "Deployment": .deployments, "StatefulSet": .statefulSets, "ReplicaSet": .replicaSets,
  ]

  /// The controller of a Pod (`metadata.ownerReferences` with `controller: true`), or the Pod itself if it has none.
  public struct Owner: Hashable, Sendable {
    let kind: String
    let name: String

    init(_ reference: JSONValue?, pod: String) {
      kind = reference?["kind"]?.stringValue ?? "Pod"
      name = reference?["name"]?.stringValue ?? pod
    }

    var description: String { "\(kind)/\(name)" }
  }
}
