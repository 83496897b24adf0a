import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

// The return of connections that are on the origin. A new connection that the host takes shows that it answers; while
// some wait on the origin and none comes, it is probed.

extension InboundListener {
  /// Checks whether a connection of the origin may go to the host now, or be split.
  func takesHome(_ one: OriginConnection) -> Bool {
    isLeaving ? !one.isInner : canTakeHome(one) && (isSplit || liveSession != nil)
  }

  /// Checks whether it may, apart from the session.
  func canTakeHome(_ one: OriginConnection) -> Bool { hostAnswers || isSplit && !one.isInner }

  /// Tells connections on the origin whether they may come home.
  func tellHome() { for one in onOrigin { one.hostAnswers(canTakeHome(one)) } }

  /// Called when the host of a session has taken a connection: those on the origin come home, if the port is its.
  func hostAnswered(by session: Session) {
    guard isOwner(session), !hostAnswers else { return }
    hostAnswers = true
    failures = 0
    owner?.send(ControlMessage(.hostAnswers, port: port))
    tellHome()
    lookLater()
  }

  func hostFailed() {
    guard hostAnswers else { return }
    hostAnswers = false
    tellHome()
  }

  /// Lets the clients on a session's host go elsewhere, since it has the port no more.
  func leaveHost(of holder: HolderSession) {
    for end in holder.session.streams { if let one = end as? InboundEnd, one.listener === self { one.leave() } }
  }

  /// Takes a client's connection, between two of its messages, to where new ones go.
  func move(_ connection: Int32, of client: clinux_address, isInner: Bool = false) {
    if isSplit || isLeaving, !isInner { return split(connection, of: client) }
    guard !goToHost(connection, of: client, isInner: isInner) else { return }
    hostFailed()
    goToOrigin(
      connection, of: client, backlog: [], because: isIntercepted ? .noSession : .notTurned, isInner: isInner)
  }

  /// Lets every client on the origin go elsewhere, since this agent ends.
  func leave() {
    isLeaving = true
    for one in onOrigin { one.leave() }
    for one in splits { one.leave() }
    lookLater()
  }

  static let lookTimer: UInt8 = 1
  /// µs between two looks, and between two probes of a host that has been away for longer.
  static let lookInterval: UInt64 = 250_000
  private static let probeInterval: UInt64 = 750_000
  /// Failed probes that make it away for longer: a minute's.
  private static let manyFailures = 240
  private static let probeLimit: UInt64 = 2_000_000

  /// Looks again in a moment if a connection waits for the host or for a time.
  func lookLater() {
    guard !isLookDue else { return }
    let waits = owner != nil && !hostAnswers
    for one in onOrigin where one.hasDeadline || waits && one.canComeHome {
      isLookDue = true
      let isAway = waits && failures >= Self.manyFailures
      return loop.schedule(self, after: isAway ? Self.probeInterval : Self.lookInterval, kind: Self.lookTimer)
    }
    for one in splits where one.hasDeadline {
      isLookDue = true
      return loop.schedule(self, after: Self.lookInterval, kind: Self.lookTimer)
    }
  }

  func lookIsDue() {
    isLookDue = false
    look()
  }

  /// Takes steps that are due, and probes the host for connections that wait for it.
  func look() {
    for one in onOrigin { one.step() }
    for one in splits where one.hasDeadline { one.step() }
    if !hostAnswers, !isProbing, let session = liveSession {
      for one in onOrigin where one.canComeHome {
        probe(session)
        break
      }
    }
    lookLater()
  }

  private func probe(_ session: Session) {
    isProbing = true
    let end = session.open {
      DialProbe(session: session, slot: $0, preamble: Preamble(.inbound, port: port), limit: Self.probeLimit) {
        [self] status in
        isProbing = false
        if status == .connected { hostAnswered(by: session) } else { failures += 1 }
      }
    }
    if end == nil { isProbing = false }
  }
}
