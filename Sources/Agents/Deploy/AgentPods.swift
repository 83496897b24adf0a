import ControlAPI
import KubeAPI
import KubeObjects

/// The Pods of one agent: the one that runs, or the reason why none does.
public struct AgentPods: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let workload: String
  /// True while an intercept is being set up: an error then says that nothing was diverted.
  var beforeDivert = true
  /// UID of the agent's Deployment: a Pod that only has the agent's label doesn't get the token. Nil takes any.
  public var deployment: String?
  /// The pause between two checks for a Pod that is refused.
  var refusalInterval = Duration.seconds(1)

  public init(client: KubeClient, namespace: String, workload: String) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
  }

  private var selector: LabelSelector {
    LabelSelector(matchLabels: [AgentNames.agentLabel: AgentNames.label(workload)])
  }

  /// Waits until the agent's container runs and returns its Pod's name; `progress` receives the reason for the wait.
  /// - Throws: `ControlError` with the Pod's events and log if it cannot start, or does not within `limit`.
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
        if Self.isRunning(pod), await isTrusted(pod) { return .success(name) }
        if let failure = PodFailure(pod), await isOurs(pod) {
          return .failure(
            await diagnosis(
              "the agent's Pod \(namespace)/\(name) cannot start: \(failure.reason)", remedy: failure.remedy))
        }
        if let reason = Self.waitingReason(pod) { progress?("agent Pod \(name): \(reason)") }
      }
      return nil
    } catch {
      return .failure(ControlError(error, doing: "watching the agent's Pod"))
    }
  }

  /// Watches for a quota, Pod Security or a webhook that refuses the Pod. No Pod exists then, and the ReplicaSet's
  /// condition says so for as long as it is true. It must be seen twice in a row, since an earlier agent's Pod may fill
  /// the quota until it is gone.
  private func watchForRefusal() async -> Result<String, ControlError>? {
    var wasRefused = false
    while (try? await Task.sleep(for: refusalInterval)) != nil {
      let refusals = await replicaSets().compactMap { set in Self.refusal(of: set).map { (set, $0) } }
      defer { wasRefused = !refusals.isEmpty }
      guard wasRefused, let (_, message) = refusals.first else { continue }
      var details: [String] = []
      for (set, message) in refusals { details += await problems(of: set, refusal: message) }
      let remedy = Refusal(message: message)?.remedy(message)
      return .failure(
        ControlError(
          .refused, "the cluster refuses the agent's Pod", remedy: await self.remedy(remedy), details: details))
    }
    return nil
  }

  static func isRunning(_ pod: JSONValue) -> Bool {
    status(pod)?[path: "state", "running"] != nil
  }

  static func status(_ pod: JSONValue) -> JSONValue? {
    pod[path: "status", "containerStatuses"]?.elements.first { $0.entryName == AgentNames.container }
  }

  static func waitingReason(_ pod: JSONValue) -> String? {
    if let waiting = status(pod)?[path: "state", "waiting"] { return waiting["reason"]?.stringValue }
    let scheduled = pod[path: "status", "conditions"]?.elements.first { $0["type"]?.stringValue == "PodScheduled" }
    return scheduled?["status"]?.stringValue == "False"
      ? "not scheduled: \(scheduled?["message"]?.stringValue ?? "")" : nil
  }

  /// Makes an error with the Pod's events and last log lines.
  public func diagnosis(_ message: String, remedy: String? = nil) async -> ControlError {
    var details: [String] = []
    let pods = (try? await client.list(.pods, namespace: namespace, labels: selector))?.items ?? []
    for pod in pods.prefix(2) {
      guard let name = pod.name else { continue }
      if let reason = Self.waitingReason(pod) { details.append("Pod \(name): \(reason)") }
      details += await warnings(about: pod)
      if let body = try? await client.log(
        pod: name, namespace: namespace, container: AgentNames.container, tailLines: 5),
        let text = try? await body.collect(limit: 16 << 10)
      {
        details += String(decoding: text, as: UTF8.self).split(separator: "\n").map { "log: \($0)" }
      }
    }
    if pods.isEmpty {
      for set in await replicaSets() { details += await problems(of: set, refusal: Self.refusal(of: set)) }
    }
    return ControlError(.failed, message, remedy: await self.remedy(remedy), details: details)
  }

  /// Returns the ReplicaSets of the present Deployment, not those of a deleted one: their name is a hash of the
  /// template, often the same.
  private func replicaSets() async -> [JSONValue] {
    guard let deployment = try? await client.find(.deployments, AgentNames.base(workload), namespace: namespace) else {
      return []
    }
    let sets = (try? await client.list(.replicaSets, namespace: namespace, labels: selector))?.items ?? []
    return sets.filter { set in
      !set.isBeingDeleted
        && set[path: "metadata", "ownerReferences"]?.elements.contains { $0["uid"]?.stringValue == deployment.uid }
          ?? false
    }
  }

  /// Checks that a Pod is the present Deployment's: one of a deleted Deployment remains for a moment.
  private func isOurs(_ pod: JSONValue) async -> Bool {
    let sets = await replicaSets().map(\.uid)
    let owners = pod[path: "metadata", "ownerReferences"]?.elements.map { $0["uid"]?.stringValue } ?? []
    return sets.isEmpty || owners.isEmpty || owners.contains { sets.contains($0) }
  }

  /// Checks by its owners that a Pod belongs to the Deployment that we mean. For a user who may not read ReplicaSets
  /// the label must do.
  private func isTrusted(_ pod: JSONValue) async -> Bool {
    guard let deployment else { return true }
    guard let owner = pod.controllerReference, owner["kind"]?.stringValue == "ReplicaSet",
      let name = owner["name"]?.stringValue
    else { return false }
    do throws(KubeError) {
      guard let set = try await client.find(.replicaSets, name, namespace: namespace),
        set.uid == owner["uid"]?.stringValue
      else { return false }
      return set.controllerReference?["uid"]?.stringValue == deployment
    } catch {
      return error.isForbidden
    }
  }

  /// Returns the reason why the ReplicaSet's Pod is not created now; nil if nothing prevents it.
  static func refusal(of set: JSONValue) -> String? {
    let condition = set[path: "status", "conditions"]?.elements.first { $0["type"]?.stringValue == "ReplicaFailure" }
    return condition?["status"]?.stringValue == "True" ? condition?["message"]?.stringValue ?? "" : nil
  }

  private func problems(of set: JSONValue, refusal: String?) async -> [String] {
    let events = await warnings(about: set)
    guard let refusal else { return events }
    return ["ReplicaSet \(set.name ?? ""): \(refusal)"]
      + events.filter { !WarningEvents.essence($0).hasSuffix(WarningEvents.essence(refusal)) }
  }

  private func warnings(about object: JSONValue) async -> [String] {
    guard let name = object.name else { return [] }
    let events = try? await client.list(.events, namespace: namespace, fields: "involvedObject.name=\(name)")
    return WarningEvents(events?.items ?? [], about: object).texts
  }

  /// Adds that nothing was diverted: an intercept's agent starts before anything is. Other agents never divert
  /// anything.
  private func remedy(_ text: String?) async -> String? {
    guard beforeDivert,
      let deployment = try? await client.find(.deployments, AgentNames.base(workload), namespace: namespace),
      deployment.annotations[AgentNames.serviceAnnotation] != nil
    else { return text }
    return ["Nothing was diverted.", text].compactMap { $0 }.joined(separator: " ")
  }
}
