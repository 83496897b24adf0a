import ControlAPI
import KubeAPI
import KubeObjects

/// The Pods of one agent: which one runs, and why none does.
public struct AgentPods: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let workload: String

  public init(client: KubeClient, namespace: String, workload: String) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
  }

  private var selector: LabelSelector { LabelSelector(matchLabels: [AgentNames.agentLabel: AgentNames.label(workload)]) }

  /// Waits until the agent's container runs; `progress` hears what it waits for.
  /// - Throws: `ControlError` with the Pod's events and log when it cannot start, or does not within `limit`.
  public func running(within limit: Duration, progress: Engine.Progress? = nil) async throws(ControlError) -> String {
    let deadline = ContinuousClock.now + limit
    let outcome: Result<String, ControlError>? = await withTaskGroup(of: Result<String, ControlError>?.self) { group in
      group.addTask { await watchForRunning(progress) }
      group.addTask { await watchForRefusal() }
      group.addTask {
        try? await Task.sleep(until: deadline)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    if Task.isCancelled { throw ControlError(.cancelled, "cancelled while the agent started") }
    if let outcome { return try outcome.get() }
    throw await diagnosis("the agent of \(workload) did not start within \(limit)")
  }

  private func watchForRunning(_ progress: Engine.Progress?) async -> Result<String, ControlError>? {
    do throws(KubeError) {
      var iterator = client.watch(.pods, namespace: namespace, labels: selector).makeAsyncIterator()
      while let event = try await iterator.next(isolation: nil) {
        guard let pod = event.object, let name = pod.name, !pod.isBeingDeleted else { continue }
        if case .deleted = event { continue }
        if Self.isRunning(pod) { return .success(name) }
        if let reason = Self.hopeless(pod) { return .failure(await diagnosis("the agent's Pod \(namespace)/\(name) cannot start: \(reason)")) }
        if let reason = Self.waitingReason(pod) { progress?("agent Pod \(name): \(reason)") }
      }
      return nil
    } catch {
      return .failure(ControlError(error, doing: "watching the agent's Pod"))
    }
  }

  /// A quota, Pod Security or a webhook refuses the Pod: then there is none to watch, and the ReplicaSet says why.
  private func watchForRefusal() async -> Result<String, ControlError>? {
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      let problems = await replicaSetProblems()
      guard !problems.isEmpty else { continue }
      return .failure(
        ControlError(
          .refused, "the cluster refuses the agent's Pod", remedy: "Nothing was diverted. --agent-image takes another image where a policy forbids this one.",
          details: problems))
    }
    try? await Task.sleep(for: .seconds(3600))
    return nil
  }

  static func isRunning(_ pod: JSONValue) -> Bool {
    status(pod)?[path: "state", "running"] != nil
  }

  private static func status(_ pod: JSONValue) -> JSONValue? {
    pod[path: "status", "containerStatuses"]?.elements.first { $0.name_ == AgentNames.container }
  }

  static func waitingReason(_ pod: JSONValue) -> String? {
    if let waiting = status(pod)?[path: "state", "waiting"] { return waiting["reason"]?.stringValue }
    let scheduled = pod[path: "status", "conditions"]?.elements.first { $0["type"]?.stringValue == "PodScheduled" }
    return scheduled?["status"]?.stringValue == "False" ? "not scheduled: \(scheduled?["message"]?.stringValue ?? "")" : nil
  }

  /// A state that waiting does not mend.
  static func hopeless(_ pod: JSONValue) -> String? {
    let waiting = status(pod)?[path: "state", "waiting"]
    let final = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "RunContainerError", "CrashLoopBackOff", "CreateContainerError"]
    if let reason = waiting?["reason"]?.stringValue, final.contains(reason) {
      return "\(reason): \(waiting?["message"]?.stringValue ?? "")"
    }
    if let ended = status(pod)?[path: "lastState", "terminated"] ?? status(pod)?[path: "state", "terminated"] {
      return "it ended with exit code \(ended["exitCode"]?.intValue ?? -1) \(ended["reason"]?.stringValue ?? "") \(ended["message"]?.stringValue ?? "")"
    }
    return nil
  }

  /// An error with the Pod's events and last log lines.
  public func diagnosis(_ message: String) async -> ControlError {
    var details: [String] = []
    let pods = (try? await client.list(.pods, namespace: namespace, labels: selector))?.items ?? []
    for pod in pods.prefix(2) {
      guard let name = pod.name else { continue }
      if let reason = Self.waitingReason(pod) { details.append("Pod \(name): \(reason)") }
      details += await events(about: name)
      if let body = try? await client.log(pod: name, namespace: namespace, container: AgentNames.container, tailLines: 5),
        let text = try? await body.collect(limit: 16 << 10)
      {
        details += String(decoding: text, as: UTF8.self).split(separator: "\n").map { "log: \($0)" }
      }
    }
    if pods.isEmpty { details += await replicaSetProblems() }
    return ControlError(.failed, message, remedy: details.isEmpty ? nil : "Nothing was diverted.", details: details)
  }

  /// What quotas, Pod Security and webhooks say stands on the ReplicaSet.
  private func replicaSetProblems() async -> [String] {
    let sets = (try? await client.list(.replicaSets, namespace: namespace, labels: selector))?.items ?? []
    var problems: [String] = []
    for set in sets {
      for condition in set[path: "status", "conditions"]?.elements ?? [] where condition["type"]?.stringValue == "ReplicaFailure" {
        problems.append("ReplicaSet \(set.name ?? ""): \(condition["message"]?.stringValue ?? "")")
      }
      problems += await events(about: set.name ?? "")
    }
    return problems
  }

  private func events(about name: String) async -> [String] {
    let list = (try? await client.list(.events, namespace: namespace, fields: "involvedObject.name=\(name)"))?.items ?? []
    return list.filter { $0["type"]?.stringValue == "Warning" }.suffix(5).map {
      "event \($0["reason"]?.stringValue ?? ""): \($0["message"]?.stringValue ?? "")"
    }
  }
}
