import CLinux

#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A client's connection on the origin. It follows the bytes, so that the client can come home without an error once
/// the host answers:
///
/// - HTTP/1.1: the next request after the last answer goes to the host, by the same connection of the client.
/// - HTTP/2: a GOAWAY makes the client connect again for its next streams, and those that are open go on to their end.
/// - Any other protocol, and a stream or an answer that lasts: ended after `homeAfter`, if at all.
final class OriginConnection: SocketPair {
  private let listener: InboundListener
  private let client: clinux_address
  let reason: OriginReason
  /// True for way 0 of a connection that is split.
  let isInner: Bool
  /// The position in the listener's list.
  var index = 0

  private enum Kind { case undecided, http1, http2, opaque }
  private var kind = Kind.undecided
  /// Bytes of HTTP/2's preface that have come.
  private var prefaceCount = 0
  /// True once the server has sent something, as a server of HTTP/2 may before its client.
  private var hasServerSpoken = false
  private var http1 = HTTP1Connection()
  private var http2 = HTTP2Connection()

  /// The time when the host began to answer, µs; 0 while it does not.
  private var homeSince: UInt64 = 0
  /// The time of the first GOAWAY; 0 before it.
  private var announcedAt: UInt64 = 0
  /// The time that a client's streams may need to meet the first GOAWAY, and that an idle client has for another
  /// request when this agent ends, µs.
  private static let settleTime: UInt64 = 1_000_000
  /// The time that the origin may need for the rest of a frame before its connection is ended within it, µs.
  private static let frameTime: UInt64 = 5_000_000
  private static let everyStream: UInt32 = 0x7fff_ffff

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
    if toLeft, kind == .http2 || kind == .undecided { return passFrames(bytes) }
    if !toLeft { seeClient(bytes) } else if kind == .http1 { seeServer(bytes) }
    send(bytes, toLeft: toLeft)
    if toLeft, isLeaving, isIdle { waitAMoment() }
  }

  private func seeClient(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while kind == .undecided, let byte = rest.first {
      let preface = HTTP2Frame.preface
      if byte == preface.utf8Start[prefaceCount] {
        prefaceCount += 1
        rest = UnsafeRawBufferPointer(rebasing: rest[1...])
        if prefaceCount == preface.utf8CodeUnitCount { kind = .http2 }
      } else {
        kind = hasServerSpoken ? .opaque : .http1
        http1.fromClient(UnsafeRawBufferPointer(start: preface.utf8Start, count: prefaceCount))
      }
    }
    switch kind {
    case .http1:
      http1.fromClient(rest)
      forgetUnfollowed()
    case .http2: http2.fromClient(rest)
    case .undecided, .opaque: break
    }
  }

  private func seeServer(_ bytes: UnsafeRawBufferPointer) {
    http1.fromServer(bytes)
    forgetUnfollowed()
  }

  private func forgetUnfollowed() { if !http1.isFollowed { kind = .opaque } }

  /// Passes bytes of an HTTP/2 server, with frames of ours between its own.
  private func passFrames(_ bytes: UnsafeRawBufferPointer) {
    hasServerSpoken = true
    var rest = bytes
    var sent = 0
    while !rest.isEmpty, !isOver {
      http2.fromServer(&rest)
      guard http2.mayInsert, isStepDue else { continue }
      let end = bytes.count - rest.count
      send(UnsafeRawBufferPointer(rebasing: bytes[sent..<end]), toLeft: true)
      sent = end
      step()
    }
    if sent < bytes.count, !isOver, !isFinishing {
      send(UnsafeRawBufferPointer(rebasing: bytes[sent...]), toLeft: true)
    }
  }

  // MARK: Home

  /// True if neither side has sent a part of a message that the other waits for.
  private var isIdle: Bool {
    kind == .undecided ? prefaceCount == 0 && !hasServerSpoken : kind == .http1 && http1.isIdle
  }

  /// True if it comes home by itself once the host answers.
  var canComeHome: Bool {
    switch kind {
    case .undecided: isIdle || listener.homeAfter > 0
    case .http1: true
    case .http2: announcedAt == 0
    case .opaque: listener.homeAfter > 0
    }
  }

  /// True if it has something to do at a later time.
  var hasDeadline: Bool {
    homeSince != 0 && (isIdle ? isLeaving : listener.homeAfter > 0 || announcedAt != 0 && http2.isQuiet)
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
    if isIdle { waitAMoment() } else { hostAnswers(true) }
  }

  private func waitAMoment() {
    homeSince = max(loop.now, 1)
    listener.lookLater()
  }

  /// Takes the step that is due, if any.
  func step() {
    guard isStepDue, !isFinishing else { return }
    if kind != .http2 {
      finish()
    } else if http2.mayInsert, announcedAt == 0 {
      announcedAt = max(loop.now, 1)
      sendGoAway(Self.everyStream)
    } else if http2.mayInsert {
      sendGoAway(http2.lastStream)
      finish()
    } else if isOverdue(by: Self.frameTime) {
      finish()
    }
  }

  private var isStepDue: Bool {
    guard homeSince != 0 else { return false }
    if isIdle { return isLeaving && loop.now - homeSince >= Self.settleTime }
    if isOverdue(by: 0) { return true }
    return kind == .http2 && (announcedAt == 0 || http2.isQuiet && loop.now - announcedAt >= Self.settleTime)
  }

  /// True if the time is over that the user allows connections that do not end by themselves.
  private func isOverdue(by time: UInt64) -> Bool {
    listener.homeAfter > 0 && loop.now - homeSince >= listener.homeAfter + time
  }

  private func sendGoAway(_ lastStream: UInt32) {
    withUnsafeTemporaryAllocation(byteCount: HTTP2Connection.goAwaySize, alignment: 8) { frame in
      HTTP2Connection.writeGoAway(lastStream: lastStream, to: frame.baseAddress!)
      send(UnsafeRawBufferPointer(frame), toLeft: true)
    }
  }

  override func takesLeft() -> Bool {
    // An origin that has closed leaves the client to its own end: an answer could not be sent any more.
    guard isIdle, isWhole, listener.takesHome(self), isLeftReadable else { return false }
    let socket = surrenderLeft()
    listener.forget(self)
    listener.bringHome(socket, of: client, isInner: isInner)
    return true
  }

  override func ended() { listener.ended(self) }
}
