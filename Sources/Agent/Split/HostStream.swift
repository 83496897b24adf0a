#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A stream to a host for requests of a split connection, and its bytes that wait.
class HostStream: StreamEnd {
  private var prefix: [UInt8]
  /// Bytes for the host.
  final var outbox = ByteQueue()
  final var status: StreamStatus?
  final var peerFinished = false
  private var finishesOutput = false
  private var finishSent = false
  final private(set) var isOver = false
  private enum Timer { static let acknowledge: UInt8 = 0, end: UInt8 = 1 }
  /// The time that a host has to end a stream that is not needed any more, µs.
  private static let endLimit: UInt64 = 30_000_000

  init(session: Session, slot: Int, preamble: Preamble, limit: UInt64) {
    prefix = [UInt8](repeating: 0, count: preamble.size)
    prefix.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    super.init(session: session, slot: slot)
    loop.schedule(self, after: limit, kind: Timer.acknowledge)
  }

  // MARK: For subclasses

  /// True once the connection does not need it any more.
  var isLeft: Bool { true }
  /// Called when bytes have left.
  func sent(_ count: Int) {}
  /// Called when it fails: with the host's refusal, or another reason.
  func fail(_ reason: StreamStatus) { over() }
  /// Called once, before the stream is released.
  func ended() {}

  // MARK: To the host

  final func take(_ bytes: UnsafeRawBufferPointer) {
    outbox.append(bytes, pool: loop.blocks)
    session.wantsToSend(self)
    loop.shedWhileFull()
  }

  final func finishOutput() {
    finishesOutput = true
    session.wantsToSend(self)
  }

  final override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !isOver, capacity > prefix.count else { return .nothing }
    var count = prefix.count
    prefix.withUnsafeBytes { if let base = $0.baseAddress { place.copyMemory(from: base, byteCount: $0.count) } }
    prefix = []
    let before = count
    while count < capacity, !outbox.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: outbox.front.prefix(capacity - count))
      (place + count).copyMemory(from: part.baseAddress!, byteCount: part.count)
      count += part.count
      outbox.drop(part.count, pool: loop.blocks)
    }
    if count > before { sent(count - before) }
    let isLast = finishesOutput && outbox.isEmpty && !finishSent
    if count > 0 { return .bytes(count, more: isLast || !outbox.isEmpty) }
    guard isLast else { return .nothing }
    finishSent = true
    return .finished
  }

  override func produced() { endIfDone() }

  // MARK: The end

  final override func timerFired(_ kind: UInt8) {
    if kind == Timer.end { if isLeft { over() } } else if status == nil { fail(.timedOut) }
  }

  final override func wasReset() { fail(.failed) }
  final override func sessionClosed() { fail(.failed) }
  final override func abort() { fail(.failed) }

  /// Ends a stream that is left, once both sides have ended.
  final func endIfDone() { if isLeft, finishSent, peerFinished { over() } }

  /// Sends what waits and a FIN, or a reset, since the connection does not need it any more.
  final func leave(reset: Bool) {
    guard !reset, !isOver, !(finishSent && peerFinished) else { return over() }
    finishOutput()
    loop.schedule(self, after: Self.endLimit, kind: Timer.end)
  }

  final func over() {
    guard !isOver else { return }
    isOver = true
    ended()
    outbox.removeAll(pool: loop.blocks)
    loop.unregister(self)
    session.release(self)
  }
}
