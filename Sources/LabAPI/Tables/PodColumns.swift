import KubeObjects

/// The columns of `kubectl get pods`.
enum PodColumns {
  static let all: [Table.Column] = [
    Table.name,
    Table.Column("Ready") { pod in
      .string("\(statuses(pod).count { $0["ready"] == true })/\(pod[path: "spec", "containers"]?.elements.count ?? 0)")
    },
    Table.Column("Status") { .string(status($0)) },
    Table.Column("Restarts") { pod in
      .string(String(statuses(pod).reduce(0) { $0 + ($1["restartCount"]?.countValue ?? 0) }))
    },
    Table.age,
    Table.Column("IP", wide: true) { $0[path: "status", "podIP"] ?? "<none>" },
    Table.Column("Node", wide: true) { $0[path: "spec", "nodeName"] ?? "<none>" },
    Table.Column("Nominated Node", wide: true) { $0[path: "status", "nominatedNodeName"] ?? "<none>" },
    Table.Column("Readiness Gates", wide: true) { pod in
      let gates = pod[path: "spec", "readinessGates"]?.elements ?? []
      guard !gates.isEmpty else { return "<none>" }
      return .string("\(gates.count { pod.isConditionTrue($0["conditionType"]?.stringValue ?? "") })/\(gates.count)")
    },
  ]

  private static func statuses(_ pod: JSONValue) -> [JSONValue] {
    pod[path: "status", "containerStatuses"]?.elements ?? []
  }

  /// One word for a Pod: the phase, unless a container's state or the deletion says more.
  static func status(_ pod: JSONValue) -> String {
    if pod.isTerminating { return "Terminating" }
    for (index, status) in (pod[path: "status", "initContainerStatuses"]?.elements ?? []).enumerated() {
      if let word = initWord(status, index, of: pod[path: "spec", "initContainers"]?.elements.count ?? 0) {
        return word
      }
    }
    for status in statuses(pod).reversed() {
      if let reason = status[path: "state", "waiting", "reason"]?.stringValue { return reason }
      if let ended = status[path: "state", "terminated"] {
        return ended["reason"]?.stringValue ?? "ExitCode:\(ended["exitCode"]?.intValue ?? 0)"
      }
    }
    return pod[path: "status", "reason"]?.stringValue ?? pod[path: "status", "phase"]?.stringValue ?? "Unknown"
  }

  private static func initWord(_ status: JSONValue, _ index: Int, of count: Int) -> String? {
    let state = status["state"]
    if let ended = state?["terminated"] {
      let code = ended["exitCode"]?.intValue ?? 0
      return code == 0 ? nil : "Init:" + (ended["reason"]?.stringValue ?? "ExitCode:\(code)")
    }
    // A sidecar that has started lets the others start.
    if status["started"] == true { return nil }
    if let reason = state?[path: "waiting", "reason"]?.stringValue, reason != "PodInitializing" {
      return "Init:" + reason
    }
    return "Init:\(index)/\(count)"
  }
}
