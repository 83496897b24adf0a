import ControlAPI
import KubeAPI
import KubeObjects

/// Finds Services, their Pods, and the workload behind them. It changes nothing.
public struct WorkloadFinder: Sendable {
  /// The label of agents' Pods, which belong to no workload.
  public static let agentLabel = "devtunnel.dev/agent"

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
    pod.labels[Self.agentLabel] == nil && !pod.isBeingDeleted && pod.phase != "Succeeded" && pod.phase != "Failed"
  }

  /// Returns the one workload that owns the Pods, with the template of one of them.
  /// - Parameter selector: the Service's own, by which the Pods were found.
  /// - Throws: `.refused` if there is none, or more than one.
  public func owner(of pods: [JSONValue], service: String, selector: [String: String]) async throws(ControlError)
    -> Workload
  {
    var read: [WorkloadOwner: JSONValue] = [:]
    let direct = Set(pods.compactMap(WorkloadOwner.init(of:)))
    for owner in direct where owner.isMadeByAnother { read[owner] = try await object(of: owner)?.0 }
    let owners = WorkloadOwner.all(of: pods) { read[$0] }
    if let refusal = Self.refusal(of: owners, service: "\(namespace)/\(service)") { throw refusal }
    guard let only = owners.first else {
      throw ControlError(.refused, "Service \(namespace)/\(service) has no workload")
    }
    let object = try await self.object(of: only)
    let workload = object.map { Workload($0.0, resource: $0.1) } ?? Workload(kind: only.kind, name: only.name)
    let revision = object.flatMap { Self.revision(of: $0.0, sets: Array(read.values)) }
    return workload.admitted(pods, selector: selector, revision: revision)
  }

  /// Returns a workload that the user named, with the template of one of its Pods if any runs.
  /// - Returns: the workload and its living Pods.
  public func workload(_ resource: APIResource, _ name: String) async throws(ControlError) -> (Workload, [JSONValue]) {
    let object = try await find(resource, name)
    if resource == .pods {
      return (Workload(kind: "Pod", name: name).admitted([object], selector: [:], revision: nil), [object])
    }
    let workload = Workload(object, resource: resource)
    let labels = object[path: "spec", "selector", "matchLabels"]?.stringMap ?? workload.template.labels
    guard !labels.isEmpty else { return (workload, []) }
    let pods = try await pods(labels).filter { Self.isOwned($0, by: object) }
    return (workload.admitted(pods, selector: [:], revision: Self.revision(of: object, sets: [])), pods)
  }

  /// Checks whether a workload owns a Pod: by itself, by a ReplicaSet (named after it and the Pod's template), or by a
  /// CronJob's Job (named after it and a number).
  static func isOwned(_ pod: JSONValue, by workload: JSONValue) -> Bool {
    guard let owner = pod.controllerReference, let name = workload.name else { return false }
    if owner.uid == workload.uid { return true }
    guard owner.name.hasPrefix(name + "-") else { return false }
    let rest = owner.name.dropFirst(name.count + 1)
    switch owner.kind {
    case "ReplicaSet": return pod.labels["pod-template-hash"].map { rest == $0 } ?? false
    case "Job": return rest.utf8.allSatisfy { (0x30...0x39).contains($0) }
    default: return false
    }
  }

  /// Reads an owner; nil for a Pod, and for one that does not exist any more or that the user may not read.
  private func object(of owner: WorkloadOwner) async throws(ControlError) -> (JSONValue, APIResource)? {
    guard owner.kind != "Pod" else { return nil }
    do throws(KubeError) {
      var resource = owner.resource
      if resource == nil {
        resource = try await client.resources(apiVersion: owner.apiVersion).first { $0.resource.kind == owner.kind }?
          .resource
      }
      guard let resource, let object = try await client.find(resource, owner.name, namespace: namespace) else {
        return nil
      }
      return (object, resource)
    } catch {
      if error.isForbidden || owner.resource == nil { return nil }
      throw ControlError(error, doing: "reading \(owner.kind) \(namespace)/\(owner.name)")
    }
  }

  /// Returns the label that Pods of the workload's present revision have; nil if it has no revisions, or none is known.
  /// - Parameter sets: the ReplicaSets of its Pods.
  static func revision(of object: JSONValue, sets: [JSONValue]) -> (key: String, value: String)? {
    if let hash = object[path: "status", "updateRevision"]?.stringValue { return ("controller-revision-hash", hash) }
    let number = "deployment.kubernetes.io/revision"
    guard let present = object.annotations[number] else { return nil }
    let hash = sets.first { $0.annotations[number] == present }?.labels["pod-template-hash"]
    return hash.map { ("pod-template-hash", $0) }
  }

  /// Returns the reason why the Pods of a Service cannot be intercepted; nil if they belong to one workload.
  /// - Parameter service: `NAMESPACE/NAME`.
  public static func refusal(of owners: Set<WorkloadOwner>, service: String) -> ControlError? {
    guard !owners.isEmpty else {
      return ControlError(
        .refused,
        "Service \(service) selects no Pods: there is nothing to take the place of, and nothing to fall back to",
        remedy: "Scale its workload up first.")
    }
    guard owners.count > 1 else { return nil }
    return ControlError(
      .refused,
      "Service \(service) selects Pods of several owners: "
        + owners.map(\.description).sorted().joined(separator: ", "),
      remedy: "Intercept a Service that selects one workload.")
  }
}
