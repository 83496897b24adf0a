/// The reason why new connections do not reach the host.
public enum Trouble: Hashable, Sendable {
  /// The session is closed.
  case closed
  /// Nothing has been heard from the agent for 5 s.
  case silent
  /// The agent's Pod is being replaced.
  case agentEnds
}

extension InterceptMachine {
  /// Returns true while an agent is an endpoint of a Service of ours.
  public func hasAgent(for service: String) -> Bool { !isAgentDeleted && services[service]?.listed.agents == true }

  /// The trouble with the session; nil if it is open.
  public var trouble: Trouble? {
    if isAgentEnding { return .agentEnds }
    return session == .open ? nil : session == .silent ? .silent : .closed
  }

  /// Returns the point that the intercept of a Service has reached. It follows from the facts alone.
  public func phase(of service: String) -> Phase {
    guard let facts = services[service] else { return .removing }
    guard facts.isWanted else { return facts.isDiverted && !facts.isKept ? .leaving : .removing }
    if facts.selector == .gone { return .serviceDeleted }
    if isAgentDeleted, facts.isClaimed { return .agentDeleted }
    if let manager = facts.changedBy { return .changedBack(by: manager) }
    guard facts.isClaimed else { return .claiming }
    if facts.isDiverted {
      if !facts.hasArrived { return facts.wasActive ? .failedOpen : session == .open ? .settling : .connecting }
      if session == .open, held(service).allSatisfy({ isTurned($0, for: service) }) { return .active }
      return facts.wasActive ? .failedOpen : .turning
    }
    if facts.wasActive { return .givenBack }
    guard session == .open else { return .connecting }
    guard isOriginReached, isAdmitted else { return .probing }
    return facts.listed.agents ? .diverting : .listing
  }

  /// Checks whether the agent sends the host all that a Service's claim to a port is about.
  private func isTurned(_ port: UInt16, for service: String) -> Bool {
    guard let claim = claim(to: port, through: service) else { return false }
    return ports[port]?.turned.contains { $0.covers(claim) } ?? false
  }

  /// The time that an intercept may stay in a phase while it is set up; nil if its step has a limit of its own.
  static func limit(of phase: Phase) -> Duration? {
    switch phase {
    case .connecting: .seconds(80)
    // A resolver of the cluster may cache an earlier "no such name" for 30 s.
    case .probing: .seconds(40)
    case .listing: .seconds(30)
    case .turning, .changedBack: .seconds(10)
    // A tool that replaces an object deletes it first.
    case .serviceDeleted, .agentDeleted: .seconds(5)
    case .claiming, .diverting, .settling, .active, .failedOpen, .givenBack, .leaving, .removing: nil
    }
  }

  /// True once the agent has reached the origin on every port, or none of our Services wants an origin.
  var isOriginReached: Bool { isScaledDown || ports.values.allSatisfy { $0.origin != .unknown } }
}
