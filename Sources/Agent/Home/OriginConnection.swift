import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A client's connection on the origin. It follows the bytes, so that the client can come home without an error once
/// the host answers:
///
/// - HTTP/1.1: the next request after the last answer goes to the host, by the same connection of the client.
/// - HTTP/2: a GOAWAY makes the client connect again for its next streams, and those that are open go on to their end.
/// - Any other protocol, and a stream or an answer that lasts: ended after `homeAfter`, if at all.
final class OriginConnection: SocketPair, FrameInserting {
  private let listener: InboundListener
  private let client: clinux_address
  let reason: OriginReason
  /// True for way 0 of a connection that is split.
  let isInner: Bool
  /// The position in the listener's list.
  var index = 0

  private let follower = Follower()

  /// The time when the host began to answer, µs; 0 while it does not.
  private var homeSince: UInt64 = 0
  /// The time of the first GOAWAY; 0 before it.
  private var announcedAt: UInt64 = 0
  /// The time that a client's streams may need to meet the first GOAWAY, and that an idle client has for another
  /// request when this agent ends, µs.
  static let settleTime: UInt64 = 1_000_000
  /// The time that the origin may need for the rest of a frame before its connection is ended within it, µs.
  private static let frameTime: UInt64 = 5_000_000

  init(
    listener: InboundListener, client: clinux_address, reason: OriginReason, socket: Int32, origin: Int32,
    backlog: [UInt8], isInner: Bool
  ) {
    self.listener = listener
    self.isInner = isInner
    self.client = client
    self.reason = reason
    super.init(loop: listener.loop, left: socket, right: origin, backlog: backlog)
  }

  // MARK: Bytes

  override func pass(_ bytes: UnsafeRawBufferPointer, toLeft: Bool) {
    if toLeft, follower.hasFrames { return follower.passFrames(bytes, of: self) }
    if toLeft { follower.fromServer(bytes) } else { follower.fromClient(bytes) }
    send(bytes, toLeft: toLeft)
    if toLeft, isLeaving, follower.isIdle { waitAMoment() }
  }

  func sendToClient(_ bytes: UnsafeRawBufferPointer) { send(bytes, toLeft: true) }
  func insert(_ bytes: UnsafeRawBufferPointer) { send(bytes, toLeft: true) }

  // MARK: Home

  /// True if it comes home by itself once the host answers.
  var canComeHome: Bool {
    switch follower.kind {
    case .undecided: follower.isIdle || listener.homeAfter > 0
    case .http1: true
    case .http2: announcedAt == 0
    case .opaque: listener.homeAfter > 0
    }
  }

  /// True if it has something to do at a later time.
  var hasDeadline: Bool {
    homeSince != 0
      && (follower.isIdle ? isLeaving : listener.homeAfter > 0 || announcedAt != 0 && follower.http2.isQuiet)
  }

  /// Called when the host answers, or if it does not any more. A client that has met a GOAWAY goes in any case.
  func hostAnswers(_ answers: Bool) {
    if homeSince == 0, answers { homeSince = max(loop.now, 1) }
    if !answers, announcedAt == 0 { homeSince = 0 }
    step()
  }

  /// True if the client finds another agent, or the origin, for its next request. What is split leaves by itself.
  private var isLeaving: Bool { listener.isLeaving && !isInner }

  /// Called when this agent ends. The client's next request is split, and its answer tells the client to connect again:
  /// to close at once might meet that request.
  func leave() {
    guard isLeaving else { return }
    if follower.isIdle { waitAMoment() } else { hostAnswers(true) }
  }

  private func waitAMoment() {
    homeSince = max(loop.now, 1)
    listener.lookLater()
  }

  var takesFrames: Bool { !isOver && !isFinishing }

  /// Takes the step that is due, if any.
  func step() {
    guard isStepDue, takesFrames else { return }
    let http2 = follower.http2
    if follower.kind != .http2 {
      finish()
    } else if http2.mayInsert, announcedAt == 0 {
      announcedAt = max(loop.now, 1)
      sendGoAway(HTTP2Connection.everyStream)
    } else if http2.mayInsert {
      sendGoAway(http2.lastStream)
      finish()
    } else if isOverdue(by: Self.frameTime) {
      finish()
    }
  }

  var isStepDue: Bool {
    guard homeSince != 0 else { return false }
    if follower.isIdle { return isLeaving && loop.now - homeSince >= Self.settleTime }
    if isOverdue(by: 0) { return true }
    return follower.kind == .http2
      && (announcedAt == 0 || follower.http2.isQuiet && loop.now - announcedAt >= Self.settleTime)
  }

  /// True if the time is over that the user allows connections that do not end by themselves.
  private func isOverdue(by time: UInt64) -> Bool {
    listener.homeAfter > 0 && loop.now - homeSince >= listener.homeAfter + time
  }

  override func takesLeft() -> Bool {
    // An origin that has closed leaves the client to its own end: an answer could not be sent any more.
    guard follower.isIdle, isWhole, listener.takesHome(self), isLeftReadable else { return false }
    let socket = surrenderLeft()
    listener.forget(self)
    listener.bringHome(socket, of: client, isInner: isInner)
    return true
  }

  override func ended() { listener.ended(self) }
}
