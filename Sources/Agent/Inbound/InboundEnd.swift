import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A connection on its way to the host. Until the host has acknowledged it, its bytes are kept, so that
/// it can go to the origin instead.
final class InboundEnd: OpenerEnd {
  private let listener: InboundListener
  private let client: clinux_address
  /// True for way 0 of a connection that is split.
  private let isInner: Bool
  private var kept: [UInt8] = []
  private var surrendered = false
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
    status == .connected || (status == nil && kept.count < Self.keptLimit && !loop.blocks.isFull)
  }

  /// Includes kept bytes: otherwise a client that sends before the host has answered would push others out.
  override var waitingBytes: Int { super.waitingBytes + kept.count }

  override func didRead(_ bytes: UnsafeRawBufferPointer) {
    guard status == nil else { return }
    kept.append(contentsOf: bytes)
    loop.blocks.count(bytes.count)
  }

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
    if kind == Self.acknowledgeTimer {
      if status == nil { fallBack(.timedOut) }
    } else {
      super.timerFired(kind)
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

  override func ended() {
    _ = forget()
    if !surrendered { listener.server.connections -= 1 }
  }
}
