import KubeObjects

/// A Pod's readiness, and the reason if it is not ready.
struct PodState: Hashable {
  var name: String
  var isReady: Bool
  /// `container web: CrashLoopBackOff, it ended with exit code 1`.
  var reason: String?
  var remedy: String?

  private static let pulls: Set = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]
  private static let passing: Set = ["ContainerCreating", "PodInitializing"]

  /// - Parameters:
  ///   - event: the newest Warning about it.
  init(_ pod: JSONValue, namespace: String, event: String?) {
    name = pod.name ?? ""
    isReady = Self.condition("Ready", pod)?["status"]?.stringValue == "True"
    guard !isReady else { return }
    let describe = "kubectl -n \(namespace) describe pod \(name)"
    if let scheduled = Self.condition("PodScheduled", pod), scheduled["status"]?.stringValue == "False" {
      reason = "no node takes it: \(scheduled["message"]?.stringValue ?? "")"
      remedy = describe
      return
    }
    let statuses =
      (pod[path: "status", "initContainerStatuses"]?.elements ?? [])
      + (pod[path: "status", "containerStatuses"]?.elements ?? [])
    let unready = statuses.filter { $0["ready"]?.boolValue != true }
    let worst = unready.first { Self.stop($0) != nil } ?? unready.first
    let container = worst?.entryName ?? "?"
    if let worst, let stop = Self.stop(worst) {
      reason = "container \(container): \(stop)"
      remedy =
        Self.isPull(worst)
        ? "correct the image of container \(container), or let the node pull it: \(describe)"
        : "kubectl -n \(namespace) logs \(name) -c \(container) --previous"
    } else if worst?[path: "state", "running"] != nil {
      let why = event.map { ": \($0)" } ?? ""
      reason = "container \(container) runs and is not ready\(why)"
      remedy = "look at its readiness probe: \(describe)"
    } else {
      reason =
        (worst == nil ? "it has not started" : "container \(container) has not started")
        + (event.map { ": \($0)" } ?? "")
      remedy = describe
    }
  }

  private static func condition(_ type: String, _ pod: JSONValue) -> JSONValue? {
    pod[path: "status", "conditions"]?.elements.first { $0["type"]?.stringValue == type }
  }

  private static func isPull(_ status: JSONValue) -> Bool {
    pulls.contains(status[path: "state", "waiting", "reason"]?.stringValue ?? "")
  }

  /// Returns the reason for which a container does not run, or does not stay; nil if it may still come up.
  private static func stop(_ status: JSONValue) -> String? {
    let ended = status[path: "state", "terminated"] ?? status[path: "lastState", "terminated"]
    let exit = ended.flatMap { end -> String? in
      let code = end["exitCode"]?.intValue ?? -1
      return code == 0 && end["reason"]?.stringValue == "Completed" && status["restartCount"]?.intValue == 0
        ? nil : "it ended with exit code \(code)" + (end["message"]?.stringValue.map { " (\($0))" } ?? "")
    }
    if let waiting = status[path: "state", "waiting"], let reason = waiting["reason"]?.stringValue,
      !passing.contains(reason)
    {
      // The kubelet's words for a back-off name the Pod once more.
      let message = reason == "CrashLoopBackOff" && exit != nil ? nil : waiting["message"]?.stringValue
      if let exit, let message, exit.contains(message) { return "\(reason), \(exit)" }
      return ([reason] + [exit, message].compactMap(\.self)).joined(separator: ", ")
    }
    return exit.map { "\($0), \(status["restartCount"]?.intValue ?? 0) restarts" }
  }
}
