import KubeObjects

/// A container's present and last instance, according to a Pod's status (Kubernetes API, `ContainerStatus`).
struct ContainerInstances: Sendable, Hashable {
  /// The present one's ID; nil before it has started.
  var current: String?
  var isRunning: Bool
  /// The previous one's ID.
  var previous: String?

  init(_ status: JSONValue) {
    let state = status["state"]
    isRunning = state?["running"] != nil
    let hasStarted = isRunning || state?["terminated"] != nil
    current = hasStarted ? status["containerID"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } : nil
    previous = status[path: "lastState", "terminated", "containerID"]?.stringValue
    // A container that waits for a restart reports its last instance as the present one's.
    if state?["waiting"] != nil { previous = previous ?? status["containerID"]?.stringValue }
  }

  /// Returns all containers of a Pod that have started at least once, by name.
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
