import KubeObjects
import LabStore

/// Binds each Pod to the lab's one node.
struct Scheduler: Controller {
  let store: any ObjectStoring
  let nodeName: String

  var name: String { "scheduler" }
  var triggers: [Trigger] { [.itself(.pods)] }

  func reconcile(_ key: ObjectKey) async throws -> Duration? {
    guard let pod = try? await store.get(key), Self.isUnbound(pod) else { return nil }
    let nodeName = nodeName
    _ = try await store.update(key) { pod in
      guard Self.isUnbound(pod) else { return }
      pod[path: "spec", "nodeName"] = .string(nodeName)
      pod.setCondition(type: "PodScheduled", isTrue: true)
    }
    return nil
  }

  private static func isUnbound(_ pod: JSONValue) -> Bool {
    let isGated = pod[path: "spec", "schedulingGates"]?.elements.isEmpty == false
    return (pod[path: "spec", "nodeName"]?.stringValue ?? "").isEmpty && !pod.isTerminating && !isGated
  }
}
