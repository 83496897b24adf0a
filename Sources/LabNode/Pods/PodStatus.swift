import KubeObjects

/// A Pod's `status`, as the kubelet computes it from its containers.
struct PodStatus: Sendable {
  let pod: PodReference
  let records: [ContainerRecord]
  let startTime: String

  /// - Parameter previous: the status in the store: conditions of others stay, and a condition that did not change
  ///   keeps its time.
  func json(over previous: JSONValue) -> JSONValue {
    var status = previous
    status["phase"] = .string(phase)
    status["startTime"] = .string(startTime)
    status["hostIP"] = .string(pod.hostAddress.description)
    status["hostIPs"] = [["ip": .string(pod.hostAddress.description)]]
    if let address = pod.address {
      status["podIP"] = .string(address.description)
      status["podIPs"] = [["ip": .string(address.description)]]
    }
    let initials = records.filter { $0.role != .main }
    status["initContainerStatuses"] = initials.isEmpty ? Optional.none : JSONValue(initials.map(\.status))
    status["containerStatuses"] = JSONValue(records.filter { $0.role == .main }.map(\.status))
    status["qosClass"] = status["qosClass"] ?? .string(qualityOfService)
    status["conditions"] = conditions(previous["conditions"]?.elements ?? [])
    return status
  }

  var phase: String {
    let main = records.filter { $0.role == .main }
    let ended = main.compactMap(\.termination)
    if records.contains(where: { $0.role == .initial && $0.termination.map { $0.exitCode != 0 } == true }) {
      return "Failed"
    }
    if !main.isEmpty, ended.count == main.count {
      return ended.allSatisfy { $0.exitCode == 0 } ? "Succeeded" : "Failed"
    }
    return main.contains { $0.isRunning || $0.last != nil || $0.termination != nil } ? "Running" : "Pending"
  }

  private func conditions(_ previous: [JSONValue]) -> JSONValue {
    let isOver = phase == "Succeeded" || phase == "Failed"
    let isInitialized = records.allSatisfy(\.isInitialized)
    let notReady = records.filter { $0.role == .main && !$0.isReady }.map(\.name)
    let notInitialized = records.filter { !$0.isInitialized }.map(\.name)
    let gates = (pod.spec["readinessGates"]?.elements ?? []).compactMap { $0["conditionType"]?.stringValue }
    let openGates = gates.filter { gate in
      !previous.contains { $0["type"]?.stringValue == gate && $0["status"]?.stringValue == "True" }
    }
    let unready =
      isOver
      ? ("PodCompleted", "")
      : ("ContainersNotReady", "containers with unready status: [\(notReady.joined(separator: " "))]")
    let areReady = notReady.isEmpty && !isOver
    var own: [(type: String, isTrue: Bool, reason: String, message: String)] = [
      ("PodReadyToStartContainers", pod.address != nil, "", ""),
      (
        "Initialized", isInitialized, "ContainersNotInitialized",
        "containers with incomplete status: [\(notInitialized.joined(separator: " "))]"
      ),
      ("Ready", areReady && openGates.isEmpty, unready.0, unready.1),
      ("ContainersReady", areReady, unready.0, unready.1),
      ("PodScheduled", true, "", ""),
    ]
    if areReady, !openGates.isEmpty {
      own[2] = (
        "Ready", false, "ReadinessGatesNotReady",
        "corresponding condition of pod readiness gate \"\(openGates[0])\" does not exist or is not \"True\"."
      )
    }
    let others = previous.filter { condition in !own.contains { $0.type == condition["type"]?.stringValue } }
    return JSONValue(
      others
        + own.map { condition in
          let status = condition.isTrue ? "True" : "False"
          let before = previous.first { $0["type"]?.stringValue == condition.type }
          let time = before.flatMap { $0["status"]?.stringValue == status ? $0["lastTransitionTime"] : nil }
          var json: JSONValue = ["type": .string(condition.type), "status": .string(status), "lastProbeTime": nil]
          json["lastTransitionTime"] = time ?? .string(Timestamp.now())
          if !condition.isTrue, !condition.reason.isEmpty { json["reason"] = .string(condition.reason) }
          if !condition.isTrue, !condition.message.isEmpty { json["message"] = .string(condition.message) }
          return json
        })
  }

  /// Kubernetes: "Pod Quality of Service Classes".
  private var qualityOfService: String {
    let resources = records.map { $0.spec["resources"] ?? [:] }
    if resources.allSatisfy({
      ($0["requests"]?.objectValue ?? [:]).isEmpty && ($0["limits"]?.objectValue ?? [:]).isEmpty
    }) {
      return "BestEffort"
    }
    let isGuaranteed = resources.allSatisfy { resource in
      ["cpu", "memory"].allSatisfy { key in
        let limit = resource[path: "limits", key]
        return limit != nil && (resource[path: "requests", key] ?? limit) == limit
      }
    }
    return isGuaranteed ? "Guaranteed" : "Burstable"
  }
}
