import KubeObjects
import LabStore

/// A Deployment's status: the numbers and conditions that `kubectl rollout status` and `kubectl wait` read.
struct DeploymentStatus: Sendable {
  private let rollout: Rollout
  private let total: Int
  private let updated: Int
  private let ready: Int
  private let available: Int

  init(_ rollout: Rollout) {
    self.rollout = rollout
    func sum(_ field: String) -> Int { rollout.all.reduce(0) { $0 + Rollout.status($1, field) } }
    total = sum("replicas")
    updated = rollout.newest.map { Rollout.status($0, "replicas") } ?? 0
    ready = sum("readyReplicas")
    available = sum("availableReplicas")
  }

  private var isComplete: Bool {
    updated == rollout.replicas && total == rollout.replicas && available >= rollout.replicas && rollout.newest != nil
  }

  /// - Returns: when to look again, while progress has a deadline.
  func write(_ store: any ObjectStoring) async throws -> Duration? {
    let deployment = rollout.deployment
    let deadline = deployment[path: "spec", "progressDeadlineSeconds"]?.countValue ?? 600
    let written = try await store.update(deployment.key(.deployments)) { object in
      let before = object
      for (field, value) in [
        "replicas": total, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available,
      ] {
        object[path: "status", field] = JSONValue(value)
      }
      object[path: "status", "unavailableReplicas"] = JSONValue(max(0, max(total, rollout.replicas) - available))
      // The generation that was looked at; a newer one may have come since.
      object[path: "status", "observedGeneration"] = JSONValue(deployment.generation)
      setAvailable(&object)
      setProgressing(&object, before: before, deadline: deadline)
    }
    guard !isComplete, deployment[path: "spec", "paused"] != true, written.isConditionTrue("Progressing"),
      let since = written.condition("Progressing")?["lastUpdateTime"]?.stringValue, let age = Timestamp.age(of: since)
    else { return nil }
    return .milliseconds(max(100, JSONValue.count(Int(saturating: (Double(deadline) - age) * 1000)) + 1000))
  }

  private func setAvailable(_ object: inout JSONValue) {
    let minimum = rollout.replicas - RolloutLimits(rollout.deployment).unavailable
    let isAvailable = available >= minimum
    object.setCondition(
      type: "Available", isTrue: isAvailable,
      reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      message: isAvailable ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
      tracksUpdates: true)
  }

  private func setProgressing(_ object: inout JSONValue, before: JSONValue, deadline: Int) {
    let name = rollout.newest?.name ?? ""
    func set(_ isTrue: Bool, _ reason: String, _ message: String, isUpdate: Bool = false) {
      object.setCondition(
        type: "Progressing", isTrue: isTrue, reason: reason, message: message, tracksUpdates: true, isUpdate: isUpdate)
    }
    if rollout.deployment[path: "spec", "paused"] == true {
      return set(true, "DeploymentPaused", "Deployment is paused")
    }
    if isComplete { return set(true, "NewReplicaSetAvailable", "ReplicaSet \"\(name)\" has successfully progressed.") }
    let old = before.condition("Progressing")
    let hasMoved = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"].contains {
      before[path: "status", $0] != object[path: "status", $0]
    }
    let isNewer = before[path: "status", "observedGeneration"]?.intValue != rollout.deployment.generation
    let updatedAt = old?["lastUpdateTime"]?.stringValue.flatMap(Timestamp.age) ?? 0
    if hasMoved || isNewer || old == nil {
      // Each step forward starts the deadline again.
      set(true, "ReplicaSetUpdated", "ReplicaSet \"\(name)\" is progressing.", isUpdate: true)
    } else if updatedAt > Double(deadline) {
      set(false, "ProgressDeadlineExceeded", "ReplicaSet \"\(name)\" has timed out progressing.")
    }
  }
}
