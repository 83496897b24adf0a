import Agents
import ControlAPI
import InterceptMachine
import TunnelProtocol

/// The words for what the machine knows: one function of (phase, facts), and the errors of its steps.
enum Explanation {
  static func state(_ phase: Phase) -> InterceptReport.State {
    switch phase {
    case .claiming, .connecting, .probing, .listing, .diverting, .settling, .turning: .starting
    case .active: .active
    case .failedOpen, .givenBack, .changedBack, .agentDeleted, .serviceDeleted: .failedOpen
    case .leaving, .removing: .leaving
    }
  }

  /// Returns the line that `intercept` prints while it waits; nil if there is nothing to say.
  static func progress(_ phase: Phase) -> String? {
    switch phase {
    case .probing: "checking that the agent reaches the origin"
    case .listing: "waiting for the Service's endpoints"
    default: nil
    }
  }

  /// Returns the line for `status`; nil if there is nothing to say.
  /// - Parameter origin: the workload, such as `Deployment web`.
  static func message(
    _ phase: Phase, _ facts: ServiceFacts, _ trouble: Trouble?, service: String, origin: String, replaces: Bool,
    reader: Holder
  ) -> String? {
    let again = facts.obstacle.map { ": \($0.text); it is tried again" } ?? ""
    switch phase {
    case .claiming, .connecting, .probing, .listing, .diverting, .settling, .turning, .active: return nil
    case .failedOpen:
      if replaces {
        return "no agent Pod is ready, and \(origin) is scaled to zero: nothing serves Service \(service). "
          + "`devtunnel leave \(service)` brings it back"
      }
      switch trouble {
      case .silent: return "nothing has been heard from the agent for 5 s; new connections go to the origin"
      case .agentEnds:
        return "the agent's Pod is being replaced; new connections go to the origin until the next one is ready"
      case .closed: return "the tunnel is being opened again; new connections go to the origin" + again
      case nil: return "new connections go to the origin until the agent has turned to the host" + again
      }
    case .givenBack:
      return "no agent Pod is ready: Service \(service) has its own selector back, and its traffic goes to the origin; "
        + "it is diverted again when one is" + again
    case .changedBack(let manager):
      return "the selector of Service \(service) was changed back by \(manager): its traffic goes to the origin. "
        + "Pause that controller for this Service, then leave and intercept again"
    case .agentDeleted:
      return "someone deleted the agent from the cluster: Service \(service) has its own selector back, "
        + "and its traffic goes to the origin. `devtunnel leave \(service)` and intercept again"
    case .serviceDeleted: return "Service \(service) was deleted; `devtunnel leave \(service)` removes what is left"
    case .leaving, .removing:
      if case .lost(let holders) = facts.end { return lost(to: holders, reader: reader) + again }
      return facts.obstacle.map {
        "it cannot be undone now: \($0.text); new connections go to the origin, and it is tried again"
      }
    }
  }

  /// Returns the reason why an intercept is lost.
  static func lost(to holders: Set<String>, reader: Holder) -> String {
    guard !holders.isEmpty else { return "someone else undid this intercept (its claims are gone)" }
    let names = holders.sorted().map { Holder(identity: $0).told(to: reader) }
    return "\(names.joined(separator: ", ")) has taken this intercept over"
  }

  /// Returns the line about connections that the host did not take.
  static func fallBacks(_ count: UInt64, _ status: StreamStatus?, joined: JoinedCluster?) -> String {
    let connections = count == 1 ? "one connection" : "\(count) connections"
    let problem =
      switch (status, joined?.description) {
      case (.refused, let target): "\(target ?? "the host's port") refused \(connections)"
      case (.exhausted, _):
        "this intercept has as many open connections on the host as it may (raise the limit, `ulimit -n`): "
          + "it did not take \(connections)"
      case (.unreachable, let target?): "\(target) could not be reached for \(connections)"
      case (_, let target): "\(target ?? "the host") did not take \(connections) within a second"
      }
    return problem + ", which went to the origin instead"
  }

  // MARK: Errors

  /// Makes the error for refused connections. Some network plugins reset what a NetworkPolicy forbids: ready Pods do
  /// not refuse by themselves.
  static func refusal(by workload: String, port: UInt16, readyPods: Int) -> ControlError {
    guard readyPods > 0 else {
      return ControlError(
        .refused, "the Pods of \(workload) refuse connections on port \(port)",
        remedy: "Check that they are healthy; an intercept needs the origin to fall back to. Nothing was diverted.")
    }
    let pods = readyPods == 1 ? "one of them is ready" : "\(readyPods) of them are ready"
    return ControlError(
      .refused, "the agent's connections to the Pods of \(workload) on port \(port) are refused, although \(pods)",
      remedy:
        "A NetworkPolicy that rejects may forbid Pods with these labels to reach each other: "
        + "allow ingress from the workload's own labels. Or nothing listens on that port. Nothing was diverted.")
  }

  /// Makes the error for an origin that the agent cannot reach.
  /// - Parameter addresses: the number of Pods that the agent knows, from the headless Service that selects the origin.
  static func unreachable(_ workload: String, port: UInt16, _ status: StreamStatus, addresses: UInt64) -> ControlError {
    if status == .nameNotFound || addresses == 0 {
      return ControlError(
        .timedOut, "the cluster's DNS does not list the Pods of \(workload) for the agent",
        remedy:
          "Check that the cluster's DNS answers (kubectl -n kube-system get pods), "
          + "and that no NetworkPolicy forbids Pods with these labels to ask it (egress to port 53). "
          + "Nothing was diverted.")
    }
    return ControlError(
      .refused,
      "the agent cannot reach the Pods of \(workload) on port \(port): \(status), \(addresses) addresses known",
      remedy:
        "A NetworkPolicy may forbid Pods with these labels to reach each other: "
        + "allow ingress from the workload's own labels. Nothing was diverted.")
  }

  /// Returns the message about a phase that has lasted too long while an intercept was set up.
  static func late(_ phase: Phase, service: String, workload: String) -> String {
    switch phase {
    case .listing: "the agent did not become a ready endpoint of Service \(service) on all its ports within 30 s"
    case .connecting: "no tunnel to the agent of \(workload) within 80 s"
    case .probing: "the agent did not reach the Pods of \(workload) within 40 s"
    case .turning: "the agent did not send the connections of Service \(service) here within 10 s"
    case .serviceDeleted: "Service \(service) was deleted"
    case .agentDeleted: "the agent of \(workload) was deleted"
    case .changedBack(let manager): "\(manager) has changed the selector of Service \(service) back"
    case .claiming, .diverting, .settling, .active, .failedOpen, .givenBack, .leaving, .removing:
      "Service \(service) could not be intercepted in time"
    }
  }

  /// Makes the error for holders who live and have a Service's ports, or rules there.
  static func conflict(
    _ claims: Claims, _ living: Set<String>, plan: InterceptPlan, rules: Set<String>? = nil, reader: Holder
  ) -> ControlError {
    func told(_ claim: Claim) -> String {
      let through =
        claim.services.contains(plan.service) ? "" : " through Service \(claim.services.joined(separator: ", "))"
      return "\(Holder(identity: claim.holder).told(to: reader))\(through) since \(Timestamp.clock(claim.since))"
    }
    let wanted = plan.ports.filter { $0.localPort != nil }
    let taken = wanted.flatMap { port -> [String] in
      guard let rules else {
        guard let claim = claims.ports[port.agentPort], living.contains(claim.holder) else { return [] }
        return ["port \(port.servicePort) is intercepted by \(told(claim))"]
      }
      return (claims.personal[port.agentPort] ?? []).compactMap { claim in
        guard living.contains(claim.holder), let same = RequestRules(texts: rules.intersection(claim.rules ?? []))
        else { return nil }
        return "port \(port.servicePort): \(same) are intercepted by \(told(claim))"
      }
    }
    guard !taken.isEmpty else {
      let names = living.sorted().map { Holder(identity: $0).told(to: reader) }.joined(separator: ", ")
      return ControlError(
        .conflict, "\(names) has an intercept of \(plan.workload.description), which --replace would scale to zero",
        remedy: "Ask them to `devtunnel leave`, or take it from them: --take-over.")
    }
    let rest =
      rules != nil
      ? " Other requests are free: use --personal=NAME, or another rule."
      : taken.count < wanted.count ? " Its other ports are free: name them by --port." : ""
    return ControlError(
      .conflict, "Service \(plan.service): \(taken.joined(separator: "; "))",
      remedy: "Nothing was changed. Ask them to `devtunnel leave`, or take it from them: --take-over." + rest)
  }

  /// Makes the error for an agent that others use, and that is not as one would be made now.
  static func otherAgent(of holders: Set<String>, workload: String, reader: Holder) -> ControlError {
    let names = holders.sorted().map { Holder(identity: $0).told(to: reader) }.joined(separator: ", ")
    return ControlError(
      .conflict,
      "\(names) uses an agent of \(workload) that cannot serve this intercept: it is another version's, it listens on "
        + "other ports, the Service does not select its labels, or it has other rights or another --agent-image",
      remedy:
        "Nothing was changed. Ask them to leave and intercept again, with the same version, or replace the agent, "
        + "which ends their intercepts: --take-over.")
  }

  /// Makes the error for an agent whose workload has the same name and another kind.
  /// - Parameter kind: as the agent's Deployment has it, which anyone may have written.
  static func otherKind(_ kind: String, workload: String) -> ControlError {
    ControlError(
      .conflict,
      "the agent in the cluster is that of a \(kind.prefix(63)) with the same name as \(workload): "
        + "both would have one agent, which falls back to one of them",
      remedy: "Nothing was changed. Leave that intercept first; `devtunnel list` shows whose it is.")
  }

  /// Makes the error for holders that have the workload.
  static func conflict(_ holders: Set<String>, service: String, workload: String, reader: Holder) -> ControlError {
    let names = holders.sorted().map { Holder(identity: $0).told(to: reader) }.joined(separator: ", ")
    return ControlError(
      .conflict, "\(service) is intercepted by \(names): workload \(workload) is theirs",
      remedy: "Ask them to `devtunnel leave`, or take it from them: --take-over.")
  }
}
