import ControlAPI
import KubeAPI
import KubeObjects
import Synchronization
import Workloads

/// A Pod that runs an agent. Its UID tells it from another that has its name later.
public struct AgentPod: Sendable, Hashable {
  public var name: String
  public var uid: String
}

/// The Pods of one agent: the one that runs, or the reason why none does.
public struct AgentPods: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let workload: String
  /// True while an intercept is being set up: an error then says that nothing was diverted.
  var beforeDivert = true
  /// The agent that was made: a Pod that only has its label doesn't get the token. Nil takes any.
  private var identity: AgentIdentity?
  /// The pause between two checks for a Pod that is refused.
  var refusalInterval = Duration.seconds(1)
  /// Checks after which a Pod that was not made here ends the wait.
  private static let patience = 5

  public init(client: KubeClient, namespace: String, workload: String) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
  }

  public init(client: KubeClient, of identity: AgentIdentity) {
    self.init(client: client, namespace: identity.namespace, workload: identity.workload)
    self.identity = identity
  }

  private var selector: LabelSelector {
    LabelSelector(matchLabels: [AgentNames.agentLabel: AgentNames.label(workload)])
  }

  /// Waits until the agent's container runs and returns its Pod; `progress` receives the reason for the wait.
  /// - Throws: `ControlError` with the Pod's events and log if it cannot start, or does not within `limit`.
  public func running(within limit: Duration, progress: Engine.Progress? = nil) async throws(ControlError) -> AgentPod {
    let deadline = ContinuousClock.now + limit
    let strangers = Strangers()
    let outcome = await withTaskGroup(of: Result<AgentPod, ControlError>?.self) { group in
      group.addTask { await watchForRunning(strangers, progress) }
      group.addTask { await watchForRefusal(strangers) }
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

  /// Reads a running Pod again: another may have its name by now.
  /// - Throws: `ControlError` if the Pod of that UID is gone, is not made of the agent's template, or may have started
  ///   with another program.
  func confirm(_ pod: AgentPod) async throws(ControlError) {
    let place = "\(namespace)/\(pod.name)"
    let found = try await attempt("looking at Pod \(place) again") { () async throws(KubeError) in
      try await client.find(.pods, pod.name, namespace: namespace)
    }
    guard let found, found.uid == pod.uid else {
      throw ControlError(.notFound, "Pod \(place) was replaced while the tunnel to it was opened")
    }
    guard let identity else { return }
    if let field = PodMatch.difference(found, from: identity.template) { throw Self.stranger(place, field) }
    // It is immutable: where it is the first of its name, the Pod has started with our program.
    guard let program = identity.program else { return }
    let name = identity.objects
    let configMap = try await attempt("looking at ConfigMap \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.findMetadata(.configMaps, name, namespace: namespace)
    }
    guard configMap?.uid == program else {
      throw ControlError(
        .refused, "ConfigMap \(namespace)/\(name), with the agent's program, is not as it was made",
        remedy:
          "Someone has replaced it. An intercept: `devtunnel leave`, and intercept again. Other agents are replaced.")
    }
  }

  private func watchForRunning(_ strangers: Strangers, _ progress: Engine.Progress?) async
    -> Result<AgentPod, ControlError>?
  {
    do throws(KubeError) {
      var iterator = client.watch(.pods, namespace: namespace, labels: selector).makeAsyncIterator()
      while let event = try await iterator.next(isolation: nil) {
        guard let pod = event.object, let name = pod.name, let uid = pod.uid else { continue }
        var isGone = pod.isBeingDeleted
        if case .deleted = event { isGone = true }
        if isGone {
          strangers.forget(name)
          continue
        }
        if Self.isRunning(pod), await belongs(pod) {
          guard let field = identity.flatMap({ PodMatch.difference(pod, from: $0.template) }) else {
            return .success(AgentPod(name: name, uid: uid))
          }
          strangers.note(name, Self.stranger("\(namespace)/\(name)", field))
          progress?("Pod \(name) is not made of the agent's template (\(field) differs): it is not used")
          continue
        }
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
  /// the quota until it is gone. Watches for Pods that others made, too.
  private func watchForRefusal(_ strangers: Strangers) async -> Result<AgentPod, ControlError>? {
    var wasRefused = false
    while (try? await Task.sleep(for: refusalInterval)) != nil {
      if let stranger = strangers.look(Self.patience) { return .failure(stranger) }
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

  static func isRunning(_ pod: JSONValue) -> Bool { status(pod)?.isRunning == true }

  static func status(_ pod: JSONValue) -> ContainerStatus? {
    pod.containerStatuses.first { $0.name == AgentNames.container }
  }

  static func waitingReason(_ pod: JSONValue) -> String? {
    if let waiting = status(pod)?.waiting { return waiting.reason.isEmpty ? nil : waiting.reason }
    guard let scheduled = pod.condition(ofType: "PodScheduled"), scheduled.isFalse else { return nil }
    return "not scheduled: \(scheduled.message)"
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
        details += String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).map { "log: \($0)" }
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
    return sets.filter { set in !set.isBeingDeleted && set.owners.contains { $0.uid == deployment.uid } }
  }

  /// Checks that a Pod is the present Deployment's: one of a deleted Deployment remains for a moment.
  private func isOurs(_ pod: JSONValue) async -> Bool {
    let sets = await replicaSets().map(\.uid)
    return sets.isEmpty || pod.owners.isEmpty || pod.owners.contains { sets.contains($0.uid) }
  }

  private static func stranger(_ place: String, _ field: String) -> ControlError {
    ControlError(
      .refused,
      "Pod \(place) runs in the agent's place, but is not made of its Deployment's template: \(field) differs",
      remedy:
        "Someone created a Pod with the agent's labels, or an admission webhook changes Pods: see "
        + "`kubectl get pod -o yaml`. "
        + (field.hasSuffix(".image")
          ? "If a webhook changes the image, name the image that it chooses: --agent-image IMAGE."
          : "If a webhook does, exempt Pods with the label \(AgentNames.agentLabel) from it, or turn it off by the "
            + "annotation or label that it has for this: the agent copies those of the workload's Pods."))
  }

  /// Checks by its owners that a Pod belongs to the Deployment that we mean. For a user who may not read ReplicaSets
  /// the label must do.
  private func belongs(_ pod: JSONValue) async -> Bool {
    guard let deployment = identity?.uid else { return true }
    guard let owner = pod.controllerReference, owner.kind == "ReplicaSet" else { return false }
    do throws(KubeError) {
      let set = try await client.find(.replicaSets, owner.name, namespace: namespace)
      return set?.uid == owner.uid && set?.controllerReference?.uid == deployment
    } catch {
      return error.isForbidden
    }
  }

  /// Returns the reason why the ReplicaSet's Pod is not created now; nil if nothing prevents it.
  static func refusal(of set: JSONValue) -> String? {
    set.condition(ofType: "ReplicaFailure").flatMap { $0.isTrue ? $0.message : nil }
  }

  private func problems(of set: JSONValue, refusal: String?) async -> [String] {
    let events = await warnings(about: set)
    guard let refusal else { return events }
    return ["ReplicaSet \(set.place): \(refusal)"]
      + events.filter { !WarningEvents.essence($0).hasSuffix(WarningEvents.essence(refusal)) }
  }

  private func warnings(about object: JSONValue) async -> [String] {
    guard let name = object.name else { return [] }
    let events = try? await client.list(.events, namespace: namespace, fields: "involvedObject.name=\(name)")
    return WarningEvents(events?.items ?? [], about: object).texts
  }

  /// Pods that run in the agent's place and are not made of its template.
  private final class Strangers: Sendable {
    private struct State {
      var problems: [String: ControlError] = [:]
      var looks = 0
    }
    private let state = Mutex(State())

    func note(_ name: String, _ problem: ControlError) { state.withLock { $0.problems[name] = problem } }
    func forget(_ name: String) { state.withLock { $0.problems[name] = nil } }

    /// Returns the problem after so many checks in a row that found one: a Pod of ours may start beside it.
    func look(_ patience: Int) -> ControlError? {
      state.withLock { state in
        state.looks = state.problems.isEmpty ? 0 : state.looks + 1
        return state.looks >= patience ? state.problems.values.first : nil
      }
    }
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
