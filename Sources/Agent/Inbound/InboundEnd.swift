import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A connection on its way to the host. Until the host has acknowledged it, its bytes are kept, so that
/// it can go to the origin instead. It is followed, so that it can go elsewhere between two messages.
final class InboundEnd: OpenerEnd {
  let listener: InboundListener
  let client: clinux_address
  /// True for way 0 of a connection that is split.
  let isInner: Bool
  let follower = Follower()
  private var kept: [UInt8] = []
  private var surrendered = false

  // In InboundEnd+Leaving.swift.
  /// True once new connections of the port go elsewhere.
  var isLeaving = false
  /// The time of the first GOAWAY; 0 before it.
  var announcedAt: UInt64 = 0
  /// True once the client has been told to end.
  var isDismissed = false
  static let stepTimer: UInt8 = 2

  private static let acknowledgeTimer: UInt8 = 1
  /// The most bytes to read before the host has answered.
  private static let keptLimit = 64 << 10

  init(
    listener: InboundListener, session: Session, slot: Int, fd: Int32, client: clinux_address, preamble: Preamble,
    isInner: Bool
  ) {
    self.listener = listener
    self.client = client
    self.isInner = isInner
    super.init(session: session, slot: slot, fd: fd, preamble: preamble)
    loop.schedule(self, after: listener.server.configuration.acknowledgeLimit, kind: Self.acknowledgeTimer)
  }

  override var mayRead: Bool {
    // The next request stays in the socket for another server.
    if isLeaving, hasNextRequest { return false }
    return status == .connected || (status == nil && kept.count < Self.keptLimit && !loop.blocks.isFull)
  }

  /// Includes kept bytes: otherwise a client that sends before the host has answered would push others out.
  override var waitingBytes: Int { super.waitingBytes + kept.count }

  override func didRead(_ bytes: UnsafeRawBufferPointer) {
    follower.fromClient(bytes)
    guard status == nil else { return }
    kept.append(contentsOf: bytes)
    loop.blocks.count(bytes.count)
  }

  override func ready(_ events: UInt32) {
    super.ready(events)
    moveIfIdle()
  }

  override func arrived(_ bytes: UnsafeRawBufferPointer) {
    if follower.hasFrames {
      follower.passFrames(bytes, of: self)
    } else {
      follower.fromServer(bytes)
      deliver(bytes)
    }
    moveIfIdle()
  }

  override func drained() { moveIfIdle() }

  /// Returns the kept bytes, and drops them here.
  private func forget() -> [UInt8] {
    let bytes = kept
    kept = []
    loop.blocks.count(-bytes.count)
    return bytes
  }

  override func answered(_ status: StreamStatus) {
    if status == .connected {
      _ = forget()
      listener.hostAnswered(by: session)
    } else if status == .refused, listener.passesRefusals {
      super.answered(status)
    } else {
      fallBack(status)
    }
  }

  override func timerFired(_ kind: UInt8) {
    switch kind {
    case Self.acknowledgeTimer: if status == nil { fallBack(.timedOut) }
    case Self.stepTimer: stepTimeCame()
    default: super.timerFired(kind)
    }
  }

  override func wasReset() { if status == nil { fallBack(.failed) } else { super.wasReset() } }
  override func sessionClosed() { if status == nil { fallBack(.failed) } else { super.sessionClosed() } }

  private func fallBack(_ status: StreamStatus) {
    guard !isOver else { return }
    surrendered = true
    let backlog = forget()
    listener.fallBack(surrenderSocket(), of: client, from: session, backlog: backlog, status: status, isInner: isInner)
  }

  /// Gives the client's socket away, and leaves the host to `successor`.
  func leaveHost(to successor: StreamEnd) -> Int32 {
    surrendered = true
    return surrenderSocket(to: successor)
  }

  override func ended() {
    _ = forget()
    if !surrendered { listener.server.connections -= 1 }
  }
}
