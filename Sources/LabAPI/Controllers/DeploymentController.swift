import KubeObjects
import LabStore

/// Rolls a Deployment's Pod template out: one ReplicaSet for each template, the newest growing while the others shrink.
struct DeploymentController: Controller {
  let store: any ObjectStoring

  var name: String { "deployment" }
  var triggers: [Trigger] { [.itself(.deployments), .owner(.deployment, of: .replicaSets), podsOfDeployments] }

  /// Recreate waits until the old Pods are really gone, which no ReplicaSet shows.
  private var podsOfDeployments: Trigger {
    let store = store
    return Trigger(.pods) { pod, previous in
      guard previous != nil, let owner = pod.controllerReference, owner.kind == "ReplicaSet",
        let set = try? await store.get(ObjectKey(.replicaSets, namespace: pod.namespace, name: owner.name)),
        let name = set.controllerReference?.name
      else { return [] }
      return [ObjectKey(.deployments, namespace: pod.namespace, name: name)]
    }
  }

  func reconcile(_ key: ObjectKey) async throws -> Duration? {
    guard let deployment = try? await store.get(key) else { return nil }
    var rollout = try await Rollout.read(deployment, store)
    if !deployment.isTerminating {
      if deployment[path: "spec", "paused"] == true {
        try await rollout.scaleWhilePaused(store)
      } else {
        try await rollout.makeNewest(store)
        switch deployment[path: "spec", "strategy", "type"]?.stringValue {
        case "Recreate": try await rollout.recreate(store)
        default: try await rollout.roll(store)
        }
        try await rollout.forgetOldRevisions(store)
      }
    }
    rollout = try await Rollout.read(deployment, store)
    return try await DeploymentStatus(rollout).write(store)
  }
}
