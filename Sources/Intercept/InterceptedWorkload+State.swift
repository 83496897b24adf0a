import Agents
import ControlAPI
import HTTPMessages
import InterceptMachine

// The state of one Service's intercept, for those who wait for it.

extension InterceptedWorkload {
  /// Returns the phase, nil once nothing is left, and the reason of the end.
  func progress(of service: String) -> (phase: Phase?, end: ServiceFacts.End?) {
    guard let facts = machine.services[service] else {
      // The inbox may not have taken the command yet.
      return members[service] == nil ? (nil, ended[service]?.facts.end) : (.claiming, nil)
    }
    return (machine.phase(of: service), facts.end)
  }

  /// Refuses an intercept that cannot share the agent and its session: the agent's Pod either has the other containers
  /// or has them not; a shell has a network of its own, and the session one target for all; the agent takes all rules
  /// of a port together.
  /// - Parameter ports: those of the agent that are to go to the host.
  func admit(_ request: InterceptRequest, ports: Set<UInt16>, isInsideShell: Bool) throws(ControlError) {
    try checkRules(of: request, to: ports)
    guard let (service, other) = members.first else { return }
    if request.keepContainers != other.request.keepContainers {
      throw ControlError(
        .conflict,
        "you intercept workload \(workload) already, through its Service \(service), "
          + (other.request.keepContainers ? "with --keep-containers" : "without --keep-containers")
          + ": its Services share one agent",
        remedy: "Give the same option for both, or `devtunnel leave \(service)` first.")
    }
    guard isInsideShell || other.isInsideShell else { return }
    throw ControlError(
      .conflict,
      "you intercept workload \(workload) already, through its Service \(service): a shell's intercept shares its "
        + "workload with no other",
      remedy: "`devtunnel leave \(service)` first.")
  }

  private func checkRules(of request: InterceptRequest, to ports: Set<UInt16>) throws(ControlError) {
    guard let rules = request.rules?.ruleSet.rules else { return }
    for port in ports.sorted() {
      let others = members.filter { service, member in
        service != request.service && machine.isWanted(service) && member.request.rules != nil
          && member.plan.ports.contains { $0.agentPort == port && $0.localPort != nil }
      }
      let all = others.values.reduce(into: rules) { $0 += $1.request.rules?.ruleSet.rules ?? [] }
      guard RuleSet(text: RuleSet(all).text) == nil else { continue }
      let names = others.keys.sorted()
      throw ControlError(
        .conflict,
        "the rules for Service \(request.service) are too many, or too long, beside yours for "
          + names.joined(separator: " and ") + ": all go to port \(port) of \(workload)",
        remedy: "There may be \(RuleSet.mostRules) rules of a port, and \(RuleSet.mostText) bytes in all. "
          + names.map { "`devtunnel leave \($0)`" }.joined(separator: " or ") + " makes room.")
    }
  }

  /// Returns once nothing of a Service's intercept is left.
  /// - Parameter limit: nil waits as long as it takes.
  /// - Returns: false after `limit`, or earlier if waiting that long does not help.
  func isOver(_ service: String, within limit: Duration?) async -> Bool {
    _ = await wait(limit) { $0.members[service] == nil || limit != nil && $0.isStuck(service) }
    return members[service] == nil
  }

  /// True if an attempt to undo a Service's intercept was refused.
  private func isStuck(_ service: String) -> Bool {
    guard let facts = machine.services[service], facts.end != nil else { return false }
    return facts.obstacle?.isPassing == false
  }

  /// Returns once nothing of a Service's intercept is left, or something keeps it from being undone.
  func isOverOrStays(_ service: String) async {
    _ = await wait(nil) { $0.members[service] == nil || $0.remains(service) != nil }
  }

  /// True unless a Service's intercept ends, or has ended.
  func isWanted(_ service: String) -> Bool { machine.isWanted(service) }

  /// The tunnels into other clusters that its Services use.
  public var joinedLinks: [AgentLink] { members.values.compactMap { $0.joined?.link } }

  /// Returns true if a Service's intercept is being undone.
  func isEnding(_ service: String) -> Bool { members[service] != nil && machine.services[service]?.end != nil }

  /// Returns once a Service has its own selector back.
  func isRestored(_ service: String, within limit: Duration) async -> Bool {
    await wait(limit) { workload in
      guard workload.members[service] != nil else { return true }
      let facts = workload.machine.services[service]
      return facts?.end != nil && workload.machine.phase(of: service) == .removing
    }
  }

  /// Returns the error that ended a Service's intercept.
  func failure(of service: String) async -> ControlError {
    let facts = machine.services[service] ?? ended[service]?.facts
    switch facts?.end {
    case .refused(let holders):
      if let error = members[service]?.error ?? ended[service]?.error, error.code == .conflict { return error }
      return Explanation.conflict(holders, service: service, workload: workload, reader: context.holder)
    case .lost(let holders):
      return ControlError(
        .conflict, Explanation.lost(to: holders, reader: context.holder),
        remedy: "Nothing of yours is left to undo. Talk to them, or take it back: --take-over.")
    case .failed(let failure):
      return members[service]?.error ?? ended[service]?.error ?? ControlError(.failed, failure.text)
    case .late(let phase):
      if let error = members[service]?.error ?? ended[service]?.error { return error }
      let pods = AgentPods(client: client.within(.seconds(5)), namespace: namespace, workload: workload)
      return await pods.diagnosis(Explanation.late(phase, service: service, workload: workload))
    case .left, nil: return ControlError(.cancelled, "cancelled")
    }
  }

  /// Returns the error that keeps a Service's intercept from being undone.
  func obstacle(of service: String) -> ControlError {
    remains(service)
      ?? ControlError(
        .incomplete, "\(service) cannot be undone now: the API server does not answer",
        remedy: "New connections go to the origin. The daemon tries again; `devtunnel status` shows it.")
  }

  /// Returns the error of the last attempt to undo a Service's intercept; nil if there was none.
  func remains(_ service: String) -> ControlError? {
    guard let facts = machine.services[service], facts.end != nil, let obstacle = facts.obstacle else { return nil }
    return ControlError(
      .incomplete, "\(service) cannot be undone now: \(obstacle.text)",
      remedy: "New connections go to the origin. The daemon tries again; `devtunnel status` shows it.",
      details: members[service]?.error?.details ?? [])
  }

  func loss(of service: String) -> String? {
    guard case .lost(let holders) = (machine.services[service] ?? ended[service]?.facts)?.end else { return nil }
    return Explanation.lost(to: holders, reader: context.holder)
  }

  /// True if no other Service of the workload is intercepted, here or by anyone else.
  func isAlone(_ service: String) -> Bool { members.keys.allSatisfy { $0 == service } && machine.others.isEmpty }

  func openConnections(_ ports: Set<UInt16>) async -> Int {
    guard let link else { return 0 }
    return await link.onLoop { endpoint in ports.reduce(0) { $0 + (endpoint.router.open[$1] ?? 0) } }
  }

  func noteRestart(of service: String, _ generation: Int?) {
    change(service) { $0.plan.workload.generation = generation ?? $0.plan.workload.generation }
  }
}
