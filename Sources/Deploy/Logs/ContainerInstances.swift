import KubeObjects

/// A container's present and last instance, as a Pod's status tells (Kubernetes API, `ContainerStatus`).
struct ContainerInstances: Sendable, Hashable {
  /// The present one's ID; nil before it has started.
  var current: String?
  var isRunning: Bool
  /// The one before.
  var previous: String?

  init(_ status: JSONValue) {
    let state = status["state"]
    isRunning = state?["running"] != nil
    let hasStarted = isRunning || state?["terminated"] != nil
    current = hasStarted ? status["containerID"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } : nil
    previous = status[path: "lastState", "terminated", "containerID"]?.stringValue
    // A container that waits to be started again has its last instance as the present one's.
    if state?["waiting"] != nil { previous = previous ?? status["containerID"]?.stringValue }
  }

  /// All containers of a Pod that have started at least once, by name.
  static func of(_ pod: JSONValue) -> [String: ContainerInstances] {
    var found: [String: ContainerInstances] = [:]
    for kind in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
      for status in pod[path: "status", kind]?.elements ?? [] {
        let instances = ContainerInstances(status)
        if let name = status["name"]?.stringValue, instances.current != nil || instances.previous != nil {
          found[name] = instances
        }
      }
    }
    return found
  }
}
