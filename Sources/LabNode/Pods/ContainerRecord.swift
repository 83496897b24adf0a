import KubeObjects

/// The node's knowledge of one container of a Pod, over all its restarts.
struct ContainerRecord: Sendable {
  enum Role: Sendable { case initial, sidecar, main }

  enum State: Sendable, Equatable {
    case waiting(reason: String, message: String)
    case running(since: String)
    case terminated(Termination)
  }

  struct Termination: Sendable, Equatable {
    var exitCode: Int
    var signal: Int
    var reason: String
    var message: String
    var startedAt: String
    var finishedAt: String
    var containerID: String
  }

  let name: String
  let role: Role
  let spec: JSONValue
  var state: State
  var last: Termination?
  var restartCount = 0
  var isReady = false
  var hasStarted = false
  var containerID = ""
  var imageID = ""

  init(_ spec: JSONValue, _ role: Role, isWaitingForInit: Bool) {
    name = spec["name"]?.stringValue ?? ""
    self.role = role
    self.spec = spec
    state = .waiting(reason: isWaitingForInit ? "PodInitializing" : "ContainerCreating", message: "")
  }

  /// A Pod's containers in the order in which they start.
  static func all(of spec: JSONValue) -> [ContainerRecord] {
    let initials = spec["initContainers"]?.elements ?? []
    return initials.map {
      ContainerRecord($0, $0["restartPolicy"]?.stringValue == "Always" ? .sidecar : .initial, isWaitingForInit: true)
    }
      + (spec["containers"]?.elements ?? []).map { ContainerRecord($0, .main, isWaitingForInit: !initials.isEmpty) }
  }

  /// The container's field path in an Event.
  var field: String { "spec.\(role == .main ? "containers" : "initContainers"){\(name)}" }

  var isRunning: Bool { if case .running = state { true } else { false } }
  /// Ended, with nothing to follow.
  var termination: Termination? { if case .terminated(let termination) = state { termination } else { nil } }

  /// True if the containers after this one may start.
  var isInitialized: Bool {
    switch role {
    case .initial: termination?.exitCode == 0
    case .sidecar: hasStarted
    case .main: true
    }
  }

  /// A `containerStatuses` entry.
  var status: JSONValue {
    var status: JSONValue = [
      "name": .string(name), "image": spec["image"] ?? "", "imageID": .string(imageID),
      "restartCount": JSONValue(restartCount),
      "ready": JSONValue(role == .initial ? termination?.exitCode == 0 : isReady), "started": JSONValue(hasStarted),
      "lastState": [:],
    ]
    if !containerID.isEmpty { status["containerID"] = .string(containerID) }
    switch state {
    case .waiting(let reason, let message):
      status[path: "state", "waiting", "reason"] = .string(reason)
      if !message.isEmpty { status[path: "state", "waiting", "message"] = .string(message) }
    case .running(let since): status[path: "state", "running", "startedAt"] = .string(since)
    case .terminated(let termination): status[path: "state", "terminated"] = termination.json
    }
    if let last { status[path: "lastState", "terminated"] = last.json }
    return status
  }
}

extension ContainerRecord.Termination {
  var json: JSONValue {
    var json: JSONValue = [
      "exitCode": JSONValue(exitCode), "reason": .string(reason), "startedAt": .string(startedAt),
      "finishedAt": .string(finishedAt),
    ]
    if signal != 0 { json["signal"] = JSONValue(signal) }
    if !message.isEmpty { json["message"] = .string(message) }
    if !containerID.isEmpty { json["containerID"] = .string(containerID) }
    return json
  }
}
