import KubeObjects
import LabStore

/// Keeps as many Pods as a ReplicaSet asks for.
struct ReplicaSetController: Controller {
  let store: any ObjectStoring

  var name: String { "replicaset" }
  var triggers: [Trigger] { [.itself(.replicaSets), .owner(.replicaSet, of: .pods), orphans] }

  /// A Pod without an owner may be one that a ReplicaSet should adopt.
  private var orphans: Trigger {
    let store = store
    return Trigger(.pods) { pod, _ in
      guard pod.controllerReference == nil, pod.isActivePod else { return [] }
      return await store.list(.replicaSets, namespace: pod.namespace).items.filter {
        Self.selector($0).matches(pod.labels)
      }.map {
        $0.key(.replicaSets)
      }
    }
  }

  func reconcile(_ key: ObjectKey) async throws -> Duration? {
    guard let set = try? await store.get(key) else { return nil }
    var pods = try await claim(set)
    if !set.isTerminating, try await scale(set, pods) { pods = try await claim(set) }
    return try await writeStatus(of: set, pods)
  }

  // MARK: Ownership

  /// The active Pods of a ReplicaSet, after adopting those that match without an owner and releasing those that match
  /// no longer.
  private func claim(_ set: JSONValue) async throws -> [JSONValue] {
    let selector = Self.selector(set)
    var owned: [JSONValue] = []
    for pod in await store.list(.pods, namespace: set.namespace).items where pod.isActivePod {
      let matches = selector.matches(pod.labels)
      if let owner = pod.controllerReference {
        guard owner.uid == set.uid else { continue }
        if matches { owned.append(pod) } else { try await setOwner(of: pod, nil) }
      } else if matches, await mayAdopt(set) {
        owned.append(try await setOwner(of: pod, set))
        // Deleted between look and adoption: the Pod stays an orphan, or it would go with its dead owner.
        if !(await mayAdopt(set)) { try await setOwner(of: pod, nil) }
      }
    }
    return owned
  }

  /// Asks the store: what was read at the start may have been deleted since, and its Pods orphaned on purpose.
  private func mayAdopt(_ set: JSONValue) async -> Bool {
    guard let now = try? await store.get(set.key(.replicaSets)) else { return false }
    return now.uid == set.uid && !now.isTerminating
  }

  @discardableResult
  private func setOwner(of pod: JSONValue, _ set: JSONValue?) async throws -> JSONValue {
    let reference = set?.ownerReference(to: .replicaSet)
    return try await store.update(pod.key(.pods)) { pod in
      let others = pod.ownerReferences.filter { $0["controller"] != true }
      pod[path: "metadata", "ownerReferences"] = .array(others + (reference.map { [$0] } ?? []))
    }
  }

  // MARK: Number

  /// - Returns: whether Pods were made or deleted.
  private func scale(_ set: JSONValue, _ pods: [JSONValue]) async throws -> Bool {
    let wanted = set[path: "spec", "replicas"]?.countValue ?? 1
    if pods.count < wanted {
      for _ in pods.count..<wanted { _ = try await store.create(.pods, Self.pod(from: set)) }
    } else {
      for pod in pods.sorted(by: Self.goesFirst).prefix(pods.count - wanted) {
        _ = try await store.delete(pod.key(.pods), grace: Deletion.grace(of: pod, .pod, asked: nil))
      }
    }
    return pods.count != wanted
  }

  private static func pod(from set: JSONValue) -> JSONValue {
    let template = set[path: "spec", "template"] ?? [:]
    var pod: JSONValue = ["metadata": template["metadata"] ?? [:], "spec": template["spec"] ?? [:]]
    pod[path: "metadata", "name"] = nil
    pod[path: "metadata", "creationTimestamp"] = nil
    pod[path: "metadata", "namespace"] = .string(set.namespace)
    pod[path: "metadata", "generateName"] = .string(set.name + "-")
    pod[path: "metadata", "ownerReferences"] = [set.ownerReference(to: .replicaSet)]
    Defaults.apply(to: &pod, .pod)
    return pod
  }

  /// Deleted first: Pods without a node, then those that are not ready, then the youngest.
  private static func goesFirst(_ left: JSONValue, _ right: JSONValue) -> Bool {
    func rank(_ pod: JSONValue) -> Int { pod[path: "spec", "nodeName"] == nil ? 0 : pod.isReadyPod ? 2 : 1 }
    return rank(left) != rank(right) ? rank(left) < rank(right) : left.creationTimestamp > right.creationTimestamp
  }

  // MARK: Status

  private func writeStatus(of set: JSONValue, _ pods: [JSONValue]) async throws -> Duration? {
    let minimum = set[path: "spec", "minReadySeconds"]?.countValue ?? 0
    let waits = pods.compactMap { $0.secondsUntilAvailable(after: minimum) }
    let available = waits.count { $0 <= 0 }
    let templateLabels = LabelSelector(labels: set[path: "spec", "template", "metadata", "labels"]?.stringMap ?? [:])
    let labeled = pods.count { templateLabels.matches($0.labels) }
    _ = try await store.update(set.key(.replicaSets)) { object in
      object[path: "status", "replicas"] = JSONValue(pods.count)
      object[path: "status", "fullyLabeledReplicas"] = JSONValue(labeled)
      object[path: "status", "readyReplicas"] = JSONValue(waits.count)
      object[path: "status", "availableReplicas"] = JSONValue(available)
      object[path: "status", "observedGeneration"] = JSONValue(set.generation)
    }
    return waits.filter { $0 > 0 }.min().map { .milliseconds(JSONValue.count(Int(saturating: $0 * 1000)) + 10) }
  }

  private static func selector(_ set: JSONValue) -> LabelSelector {
    LabelSelector(object: set[path: "spec", "selector"])
  }
}
