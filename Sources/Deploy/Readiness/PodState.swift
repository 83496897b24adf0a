import KubeObjects

/// A Pod's progress to readiness, from its status (Kubernetes API, `PodStatus`). No I/O.
struct PodState: Sendable, Hashable {
  enum Prospect: Sendable, Hashable {
    case ready
    /// It takes its time.
    case coming
    /// It may recover when something else appears or goes: a database that starts later, a node that is full.
    case doubtful
    /// Waiting does not help.
    case hopeless
  }

  var prospect: Prospect
  /// In a few words; empty for a Pod that is ready.
  var reason: String
  var remedy: String?
  /// The container at fault.
  var container: String?
  /// True if the container's last lines are those of an ended instance.
  var hasRestarted = false

  init(_ pod: JSONValue) {
    if Self.isReady(pod) {
      self.init(.ready, "")
    } else if pod.isBeingDeleted {
      self.init(.coming, "is being deleted")
    } else if pod.phase == "Failed" {
      let words = [pod[path: "status", "reason"]?.stringValue, pod[path: "status", "message"]?.stringValue]
      self.init(.hopeless, "failed: \(words.compactMap { $0 }.joined(separator: " "))")
      if let ended = Self.statuses(pod).lazy.compactMap(Self.ended).first { self = ended }
    } else if let worst = Self.statuses(pod).compactMap(Self.init(container:)).max(by: { $0.rank < $1.rank }) {
      self = worst
    } else if let unscheduled = Self.unscheduled(pod) {
      self.init(.doubtful, "cannot be scheduled: \(unscheduled)", "Free resources on the node, or ask for less.")
    } else {
      self.init(.coming, Self.next(pod))
    }
  }

  private init(
    _ prospect: Prospect, _ reason: String, _ remedy: String? = nil, container: String? = nil,
    hasRestarted: Bool = false
  ) {
    self.prospect = prospect
    self.reason = reason
    self.remedy = remedy
    self.container = container
    self.hasRestarted = hasRestarted
  }

  private var rank: Int {
    switch prospect {
    case .ready: 0
    case .coming: 1
    case .doubtful: 2
    case .hopeless: 3
    }
  }

  static func isReady(_ pod: JSONValue) -> Bool {
    guard !pod.isBeingDeleted else { return false }
    if pod.phase == "Succeeded" { return true }
    // A kubelet that has not seen the present spec reports on the old one.
    if let observed = pod[path: "status", "observedGeneration"]?.intValue, observed < pod.generation ?? 0 {
      return false
    }
    return pod.isReady
  }

  /// True if it is done, or each of its containers has a readiness probe.
  static func isProbed(_ pod: JSONValue) -> Bool {
    pod.phase == "Succeeded" || pod.ordinaryContainers.allSatisfy { $0["readinessProbe"] != nil }
  }

  /// Returns the containers whose image differs between two versions of a Pod, by name, with their instances so far.
  static func replaced(_ former: JSONValue, by new: JSONValue) -> [String: String] {
    guard former.uid == new.uid else { return [:] }
    func images(_ pod: JSONValue) -> [String: String] {
      var images: [String: String] = [:]
      for container in pod.initContainers + pod.ordinaryContainers {
        if let name = container.entryName { images[name] = container["image"]?.stringValue }
      }
      return images
    }
    let before = images(former)
    let changed = images(new).filter { before[$0.key] != nil && before[$0.key] != $0.value }
    return instances(former).filter { changed[$0.key] != nil }
  }

  /// Returns the ids of a Pod's containers, by name.
  static func instances(_ pod: JSONValue) -> [String: String] {
    var instances: [String: String] = [:]
    for status in statuses(pod) { instances[status.name] = status.containerID }
    return instances
  }

  private static func statuses(_ pod: JSONValue) -> [ContainerStatus] {
    pod.initContainerStatuses + pod.containerStatuses
  }

  // MARK: Containers

  private init?(container status: ContainerStatus) {
    if let waiting = status.waiting {
      self.init(waiting: waiting.reason, waiting.message, status)
      return
    }
    guard let ended = status.terminated, ended.exitCode != 0 else { return nil }
    let (name, restarts) = (status.name, status.restartCount)
    let again = restarts > 0 ? ", and is started again and again (restarts: \(restarts))" : ""
    self.init(.doubtful, "container \(name) \(Self.exit(ended))\(again)", container: name, hasRestarted: restarts > 0)
  }

  private init?(waiting reason: String, _ message: String, _ status: ContainerStatus) {
    let (name, restarts) = (status.name, status.restartCount)
    let image = status.image.isEmpty ? "its image" : status.image
    let text = "container \(name): \(reason)\(message.isEmpty ? "" : ": \(message)")"
    let last = status.lastTerminated
    switch reason {
    case "InvalidImageName", "ErrImageNeverPull", "ImagePullBackOff", "ErrImagePull", "ImageInspectError",
      "RegistryUnavailable":
      let remedy =
        "The node has no image \(image) and cannot pull it: "
        + "check that it was built and loaded, its name, and imagePullSecrets."
      self.init(Self.isFinal(pull: reason, message) ? .hopeless : .coming, text, remedy, container: nil)
    case "CreateContainerConfigError" where message.hasPrefix("failed to sync "):
      // The kubelet has not seen a new Secret or ConfigMap yet, and tries again.
      self.init(.coming, text, container: nil)
    case "CreateContainerConfigError":
      self.init(
        .hopeless, text,
        "Make the Secret or ConfigMap or key that is missing; --mirror copies those of the remote cluster.")
    case "CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError":
      self.init(.hopeless, text, container: name, hasRestarted: restarts > 0)
    case "CrashLoopBackOff":
      let how = last.map(Self.exit) ?? "ended"
      // If the program itself could not be started, that will not change.
      let isFinal = restarts >= 4 || last?.reason == "StartError" || last?.reason == "ContainerCannotRun"
      self.init(
        isFinal ? .hopeless : .doubtful,
        "container \(name) \(how), and is started again and again (restarts: \(restarts))", container: name,
        hasRestarted: true
      )
    default: return nil
    }
  }

  /// Checks whether a failure to pull is final. The first may be the network's; the registry's verdict on
  /// name and rights does not change.
  private static func isFinal(pull reason: String, _ message: String) -> Bool {
    guard reason == "ErrImagePull" else { return true }
    return [
      "not found", "denied", "unauthorized", "no such host", "manifest unknown", "authorization failed",
      "connection refused", "lookup ",
    ]
    .contains { message.contains($0) }
  }

  private static func ended(_ status: ContainerStatus) -> PodState? {
    guard let ended = status.terminated, ended.exitCode != 0 else { return nil }
    return PodState(.hopeless, "container \(status.name) \(exit(ended))", container: status.name)
  }

  /// Returns `ended with exit code 137 (OOMKilled): message`.
  private static func exit(_ ended: ContainerStatus.Terminated) -> String {
    var text = "ended with exit code \(ended.exitCode)"
    if let signal = ended.signal { text += ", signal \(signal)" }
    if !["", "Error", "Completed"].contains(ended.reason) { text += " (\(ended.reason))" }
    return ended.message.isEmpty ? text : "\(text): \(ended.message)"
  }

  // MARK: The Pod

  private static func unscheduled(_ pod: JSONValue) -> String? {
    guard let scheduled = pod.condition(ofType: "PodScheduled"), scheduled.isFalse else { return nil }
    return [scheduled.message, scheduled.reason].first { !$0.isEmpty } ?? "no explanation"
  }

  /// Returns the next step of a healthy Pod.
  private static func next(_ pod: JSONValue) -> String {
    guard pod.nodeName != nil else { return "waits for a node" }
    let all = pod.containerStatuses
    let areRunning = all.allSatisfy(\.isRunning)
    if !areRunning, let first = pod.initContainerStatuses.first(where: \.isRunning) {
      return "runs init container \(first.name)"
    }
    if areRunning, !all.isEmpty {
      let unready = all.first { !$0.isReady }?.name
      return unready.map { "runs; container \($0) is not ready yet" } ?? "runs; waits for its readiness gates"
    }
    return "starts its containers"
  }
}
