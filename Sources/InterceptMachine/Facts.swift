/// Everything that is known about one Service.
public struct ServiceFacts: Hashable, Sendable {
  /// The reason why an intercept ends.
  public enum End: Hashable, Sendable {
    case left
    /// Its ports belong to these holders now; to nobody if someone else undid the intercept.
    case lost(to: Set<String>)
    /// These holders had the ports at the start.
    case refused(Set<String>)
    /// It could not be set up.
    case failed(Failure)
    /// It stayed in this phase for too long while it was set up.
    case late(Phase)
  }

  public internal(set) var wish: Wish
  public internal(set) var end: End?
  /// The time that connections on the host may last after the end.
  var drain = Duration.seconds(30)
  var selector: Selector?
  var listed = Listed(agents: false, origin: false)
  /// The time since which the diverted Service has had no ready agent, and so no endpoint.
  var absentSince: Instant?
  var isClaimed = false
  /// True once we, or a former daemon of ours, have diverted it.
  var wasDiverted = false
  var divertedAt: Instant?
  /// True once connections to the Service were seen to arrive at the agent.
  var hasArrived = false
  /// True once new connections have reached the host.
  public internal(set) var wasActive = false
  /// The time since which nothing of ours is in its selector, for an intercept that ends.
  var restoredAt: Instant?
  /// True if others keep it diverted.
  public internal(set) var isKept = false
  /// True once our claims are removed.
  var isReleased = false
  /// True if these were the agent's last claims, so that the agent goes, too.
  var isLast = false
  var releasedAt: Instant?
  var isDrained = false
  public internal(set) var cut = 0
  /// The last obstacle to what the machine tries again.
  public internal(set) var obstacle: Failure?
  var stage = Phase.claiming
  var stageSince: Instant

  init(_ wish: Wish, at now: Instant) {
    self.wish = wish
    stageSince = now
  }

  var isWanted: Bool { end == nil }
  var isDiverted: Bool { selector == .diverted }

  /// The program that took our key out of the selector.
  var changedBy: String? {
    guard wasDiverted, case .own(let manager?) = selector else { return nil }
    return manager
  }
}

/// A part of a port: all connections, or the requests that meet rules.
struct Share: Hashable, Sendable {
  /// That of the claim.
  var count: UInt64
  var rules: Set<String>?

  var isWhole: Bool { rules == nil }

  /// Checks whether all that a claim is about is in it.
  func covers(_ claim: Claim) -> Bool {
    guard let rules, let wanted = claim.rules else { return isWhole && claim.rules == nil }
    return wanted.isSubset(of: rules)
  }
}

/// Everything that is known about one of the agent's ports.
struct PortFacts: Hashable, Sendable {
  enum Origin: Hashable, Sendable {
    case unknown, reached, unreached
    /// Nothing serves the port, although a Service targets it.
    case missing
  }

  /// The parts that the agent sends to the host: all of it, and what meets our rules.
  var turned: [Share] = []
  var origin = Origin.unknown
  var attempts = 0
}

/// The point that an intercept of one Service has reached.
public enum Phase: Hashable, Sendable {
  // Setting up, in this order.

  /// The agent is created, or joined, with our claims.
  case claiming
  /// The agent's Pod starts, and the session with it opens.
  case connecting
  /// The agent tries the origin on every port.
  case probing
  /// The Service's endpoints do not list the agent yet.
  case listing
  /// The Service's selector gets our key.
  case diverting
  /// The endpoints, and kube-proxy after them, follow.
  case settling
  /// The agent is asked to send new connections to the host.
  case turning

  /// New connections arrive at the host.
  case active
  /// The Service is diverted, and new connections go to the origin through the agent.
  case failedOpen
  /// The Service has its own selector, for lack of a ready agent. It is diverted again when there is one.
  case givenBack
  /// Someone took our key out of the selector.
  case changedBack(by: String)
  /// Someone deleted the agent.
  case agentDeleted
  /// Someone deleted the Service.
  case serviceDeleted
  /// The Service gets its own selector back.
  case leaving
  /// The Service is as before; the agent, or our claims, are being removed.
  case removing
}
