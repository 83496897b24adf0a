import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// Undoes intercepts from the cluster's objects alone: the Services, the workloads and our own. Any machine can do it.
public struct Restorer: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let holder: Holder
  /// Workloads that our journal names: objects that a former version of ours left have a name alone.
  public let journaled: Set<String>
  /// Others' Leases are looked at twice, all of them in the same interval.
  var looks = LeaseLooks()

  public init(client: KubeClient, namespace: String, holder: Holder, journaled: Set<String> = []) {
    self.journaled = journaled
    self.client = client
    self.namespace = namespace
    self.holder = holder
  }

  /// Undoes the intercepts.
  /// - Parameters:
  ///   - service: only this one; nil for all of the namespace.
  ///   - force: true to include those that another holder's fresh Lease covers.
  ///   - keeping: workloads whose agents stay, since this daemon uses them.
  public func restore(service: String?, force: Bool, keeping: Set<String> = [], progress: Engine.Progress?)
    async throws(ControlError) -> RestoreReport
  {
    var report = RestoreReport()
    let services = try await attempt("listing Services of \(namespace)") { () async throws(KubeError) in
      try await client.list(.services, namespace: namespace)
    }
    if !force { try await lookAtLeases() }
    var workloads: Set<String> = []
    for object in services.items {
      guard let name = object.name, service == nil || name == service else { continue }
      guard let label = object[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel],
        object.labels[AgentNames.managedByLabel] != AgentNames.managedBy
      else { continue }
      let workload = try await workloadName(label)
      if !force, let held = try await living(workload, of: name, progress) {
        report.left.append(
          "Service \(namespace)/\(name): intercepted by \(held.holder.told(to: holder)) "
            + "since \(Timestamp.clock(held.since))"
        )
        continue
      }
      if try await ServiceDivert.restore(client: client, namespace: namespace, service: name) {
        report.done.append("Service \(namespace)/\(name) has its own selector again")
      }
      workloads.insert(workload)
    }
    try await restoreReplicas(&report, only: service == nil ? nil : workloads, force: force, progress)
    let leftovers = try await agents(of: service, force: force).union(workloads)
    if !force {
      for workload in leftovers.intersection(keeping).sorted() {
        try await dropClaims(of: workload, keepsOurs: true, progress)
      }
    }
    for workload in leftovers.subtracting(keeping).sorted() {
      if !force, let held = try await living(workload, progress) {
        try await dropClaims(of: workload, keepsOurs: false, progress)
        let name = held.holder.told(to: holder)
        if !report.left.contains(where: { $0.contains(name) }) {
          report.left.append("the agent of \(workload): used by \(name)")
        }
        continue
      }
      progress?("removing the agent of \(workload)")
      let restored = try await removeAgent(workload)
      report.done +=
        restored.map { "Service \(namespace)/\($0) has its own selector again" } + ["the agent of \(workload) is gone"]
    }
    return report
  }

  /// Takes the first look at every Lease, so that several stale ones cost one wait.
  private func lookAtLeases() async throws(ControlError) {
    let found = try await attempt("listing Leases of \(namespace)") { () async throws(KubeError) in
      try await client.list(.leases, namespace: namespace)
    }
    for lease in found.items {
      guard let name = lease.name, let held = WorkloadLease.held(lease) else { continue }
      _ = looks.verdict(LeaseLook(lease, isFresh: held.isFresh, time: .now), of: name)
    }
  }

  private func claims(_ workload: String) -> AgentClaims {
    AgentClaims(client: client, namespace: namespace, workload: workload)
  }

  /// Returns another holder, who lives, of the workload's agent.
  /// - Parameter service: only of this Service; nil for any.
  private func living(_ workload: String, of service: String? = nil, _ progress: Engine.Progress?)
    async throws(ControlError) -> (holder: Holder, since: String)?
  {
    guard let found = try await claims(workload).read(), found.hasRecord else {
      return try await fresh(workload, progress).map { ($0.holder, $0.since) }
    }
    let rivals =
      service.map { found.claims.others(than: holder.identity, of: $0) }
      ?? found.claims.holders.subtracting([holder.identity])
    let lease = HolderLease(client: client, namespace: namespace, workload: workload, holder: holder, looks: looks)
    guard let other = try await lease.living(among: rivals, progress: progress).sorted().first else { return nil }
    return (Holder(identity: other), found.claims.all.first { $0.claim.holder == other }?.claim.since ?? "")
  }

  /// Removes the claims of holders who do not live from an agent that is used.
  private func dropClaims(of workload: String, keepsOurs: Bool, _ progress: Engine.Progress?)
    async throws(ControlError)
  {
    let lease = HolderLease(client: client, namespace: namespace, workload: workload, holder: holder, looks: looks)
    for _ in 0..<5 {
      guard let found = try await claims(workload).read(), found.hasRecord else { return }
      let rivals = found.claims.holders.subtracting([holder.identity])
      let living = try await lease.living(among: rivals, progress: progress)
      var new = found.claims
      for other in found.claims.holders.subtracting(living) where !keepsOurs || other != holder.identity {
        new.remove(holder: other)
      }
      if new == found.claims { break }
      if try await claims(workload).write(new, over: found) { break }
    }
    if !keepsOurs { try await lease.remove() }
  }

  /// Returns another holder's Lease that is in use now, for an agent without a record of claims.
  private func fresh(_ workload: String, _ progress: Engine.Progress?) async throws(ControlError)
    -> WorkloadLease.Held?
  {
    func isOurs(_ other: Holder) -> Bool { other.isSame(as: holder, inJournal: journaled.contains(workload)) }
    let held = try await looks.read(
      AgentNames.base(workload), namespace: namespace, client: client, progress: progress, spares: isOurs
    ).held
    guard let held, held.isFresh, !isOurs(held.holder) else { return nil }
    return held
  }

  /// Returns the workload of a label, whose value may be shortened; the Deployment's annotation is not.
  private func workloadName(_ label: String) async throws(ControlError) -> String {
    let selector = LabelSelector(matchLabels: [
      AgentNames.agentLabel: label, AgentNames.managedByLabel: AgentNames.managedBy,
    ])
    let found = try await attempt("listing Deployments of \(namespace)") { () async throws(KubeError) in
      try await client.list(.deployments, namespace: namespace, labels: selector)
    }
    return found.items.lazy.compactMap { AgentNames.workload(of: $0) }.first ?? label
  }

  /// Returns every workload for which we have an object, diverted or not.
  private func agents(of service: String?, force: Bool) async throws(ControlError) -> Set<String> {
    let selector = LabelSelector(matchLabels: [AgentNames.managedByLabel: AgentNames.managedBy])
    var names: Set<String> = []
    for resource in [APIResource.deployments, .leases] {
      let found = try await attempt("listing \(resource.plural) of \(namespace)") { () async throws(KubeError) in
        try await client.list(resource, namespace: namespace, labels: selector)
      }
      for object in found.items {
        guard let workload = Self.workload(of: object) else { continue }
        let claims = ClaimsRecord.read(object)
        if let service, object.annotations[AgentNames.serviceAnnotation] != service,
          claims?.contains(service: service) != true
        {
          continue
        }
        // Another's gateway or shell agent is theirs, and diverts nothing.
        let isPersonal = claims == nil && object.annotations[AgentNames.serviceAnnotation] == nil
        if isPersonal, !force, Holder(of: object)?.isSame(as: holder, inJournal: journaled.contains(workload)) != true {
          continue
        }
        names.insert(workload)
      }
    }
    return names
  }

  /// Returns the workload of one of our objects: an agent, or a Lease, whose name has more than the agent's.
  private static func workload(of object: JSONValue) -> String? {
    if let workload = AgentNames.workload(of: object) { return workload }
    guard object.kind == "Lease" || object[path: "spec", "holderIdentity"] != nil,
      let workload = object.annotations[AgentNames.workloadAnnotation], AgentNames.isName(workload),
      let name = object.name, name.hasPrefix(AgentNames.base(workload) + "-")
    else { return nil }
    return workload
  }

  private func restoreReplicas(
    _ report: inout RestoreReport, only: Set<String>?, force: Bool, _ progress: Engine.Progress?
  ) async throws(ControlError) {
    for resource in [APIResource.deployments, .statefulSets, .replicaSets] {
      let found = try await attempt("listing \(resource.plural) of \(namespace)") { () async throws(KubeError) in
        try await client.list(resource, namespace: namespace)
      }
      for object in found.items {
        // A Deployment's ReplicaSets have copies of its annotations.
        guard object.controllerReference == nil else { continue }
        guard let name = object.name, let text = object.annotations[AgentNames.replicasAnnotation] else { continue }
        guard only?.contains(name) ?? true else { continue }
        if !force, try await living(name, progress) != nil { continue }
        guard let replicas = Replicas.number(text) else {
          report.left.append(
            "\(resource.kind) \(namespace)/\(name): annotation \(AgentNames.replicasAnnotation) holds "
              + "'\(text.prefix(40))', which is no number of replicas. "
              + "Scale it yourself, and remove the annotation")
          continue
        }
        try await Replicas.restore(
          client: client, namespace: namespace, resource: resource, name: name, replicas: replicas)
        report.done.append("\(resource.kind) \(namespace)/\(name) has \(replicas) replicas again")
      }
    }
  }

  /// Removes an agent and waits until its Pods are gone.
  /// - Returns: further Services that were diverted to it, and were given back.
  private func removeAgent(_ workload: String) async throws(ControlError) -> [String] {
    try await claims(workload).close(by: holder)
    let restored = try await AgentRemoval(client: client, namespace: namespace, workload: workload).remove()
    let selector = LabelSelector(matchLabels: [AgentNames.agentLabel: AgentNames.label(workload)])
    let leases = try await attempt("listing Leases of \(namespace)") { () async throws(KubeError) in
      try await client.list(.leases, namespace: namespace, labels: selector)
    }
    for lease in leases.items where Self.workload(of: lease) == workload {
      guard let name = lease.name else { continue }
      do throws(KubeError) {
        try await client.delete(.leases, name, namespace: namespace, uid: lease.uid)
      } catch {
        guard !error.isNotFound else { continue }
        throw ControlError(error, doing: "deleting Lease \(namespace)/\(name)")
      }
    }
    for _ in 0..<120 {
      let pods = (try? await client.list(.pods, namespace: namespace, labels: selector))?.items ?? []
      if pods.isEmpty { break }
      try? await Task.sleep(for: .milliseconds(500))
    }
    return restored
  }
}

/// Scales the origin for `--replace`; the workload itself keeps the former number.
public enum Replicas {
  /// Parses an annotation, which anyone may have written: 0 to the largest `replicas` (int32).
  static func number(_ text: String) -> Int? { Int32(text).flatMap { $0 >= 0 ? Int($0) : nil } }

  /// Scales a workload to zero; an annotation keeps its replicas.
  public static func scaleToZero(client: KubeClient, namespace: String, workload: Workload) async throws(ControlError) {
    let patch: JSONValue = [
      "metadata": ["annotations": [AgentNames.replicasAnnotation: JSONValue(String(workload.replicas))]],
      "spec": ["replicas": 0],
    ]
    guard let resource = workload.resource else { return }
    _ = try await attempt("scaling \(workload.description) to zero") { () async throws(KubeError) in
      try await client.patch(resource, workload.name, namespace: namespace, type: .merge, patch)
    }
  }

  /// Scales a workload back, and removes the annotation.
  public static func restore(client: KubeClient, namespace: String, resource: APIResource, name: String, replicas: Int)
    async throws(ControlError)
  {
    let patch: JSONValue = [
      "metadata": ["annotations": [AgentNames.replicasAnnotation: .null]], "spec": ["replicas": JSONValue(replicas)],
    ]
    _ = try await attempt("scaling \(resource.kind) \(namespace)/\(name) back to \(replicas)") {
      () async throws(KubeError) in
      try await client.patch(resource, name, namespace: namespace, type: .merge, patch)
    }
  }
}
