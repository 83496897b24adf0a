/// The state of one container in a Pod's status (Kubernetes API, `ContainerStatus`). As in the API, a text that is left
/// out is empty.
public struct ContainerStatus: Sendable, Hashable {
  /// The reason why it does not run yet, or not again.
  public struct Waiting: Sendable, Hashable {
    public let reason: String
    public let message: String
  }

  /// The end of an instance.
  public struct Terminated: Sendable, Hashable {
    /// −1 if there is none.
    public let exitCode: Int
    public let signal: Int?
    public let reason: String
    public let message: String
    public let containerID: String?
  }

  public let name: String
  public let image: String
  /// The present instance's, or the last one's while it waits for a restart; nil before the first.
  public let containerID: String?
  public let isReady: Bool
  public let restartCount: Int
  public let waiting: Waiting?
  public let isRunning: Bool
  public let terminated: Terminated?
  /// The end of the instance before the present one.
  public let lastTerminated: Terminated?

  /// - Returns: nil for a state without a container's name.
  init?(_ json: JSONValue) {
    guard let name = json.entryName else { return nil }
    self.name = name
    image = json.text("image")
    containerID = json.instance
    isReady = json["ready"]?.boolValue == true
    restartCount = json["restartCount"]?.intValue ?? 0
    waiting = json[path: "state", "waiting"].map { Waiting(reason: $0.text("reason"), message: $0.text("message")) }
    isRunning = json[path: "state", "running"] != nil
    terminated = json[path: "state", "terminated"].map(Terminated.init)
    lastTerminated = json[path: "lastState", "terminated"].map(Terminated.init)
  }
}

extension ContainerStatus.Terminated {
  init(_ json: JSONValue) {
    exitCode = json["exitCode"]?.intValue ?? -1
    signal = json["signal"]?.intValue
    reason = json.text("reason")
    message = json.text("message")
    containerID = json.instance
  }
}

extension JSONValue {
  fileprivate var instance: String? { self["containerID"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } }

  /// The states of a Pod's ordinary containers.
  public var containerStatuses: [ContainerStatus] { statuses("containerStatuses") }

  /// The states of a Pod's init containers, sidecars among them.
  public var initContainerStatuses: [ContainerStatus] { statuses("initContainerStatuses") }

  /// The states of the containers that were added to a running Pod.
  public var ephemeralContainerStatuses: [ContainerStatus] { statuses("ephemeralContainerStatuses") }

  private func statuses(_ member: String) -> [ContainerStatus] {
    (self[path: "status", member]?.elements ?? []).compactMap(ContainerStatus.init)
  }
}
