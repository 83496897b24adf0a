import KubeObjects

/// A container's present and last instance, according to a Pod's status (Kubernetes API, `ContainerStatus`).
struct ContainerInstances: Sendable, Hashable {
  /// The present one's ID; nil before it has started.
  var current: String?
  var isRunning: Bool
  /// The previous one's ID.
  var previous: String?

  init(_ status: ContainerStatus) {
    isRunning = status.isRunning
    current = isRunning || status.terminated != nil ? status.containerID : nil
    previous = status.lastTerminated?.containerID
    // A container that waits for a restart reports its last instance as the present one's.
    if status.waiting != nil { previous = previous ?? status.containerID }
  }

  /// Returns all containers of a Pod that have started at least once, by name.
  static func of(_ pod: JSONValue) -> [String: ContainerInstances] {
    var found: [String: ContainerInstances] = [:]
    for status in pod.initContainerStatuses + pod.containerStatuses + pod.ephemeralContainerStatuses {
      let instances = ContainerInstances(status)
      if instances.current != nil || instances.previous != nil { found[status.name] = instances }
    }
    return found
  }
}
