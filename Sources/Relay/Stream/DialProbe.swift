#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A stream that only tests whether the other side takes what it opens with, such as a dial. It then ends by a FIN,
/// which a server does not take for a fault.
public final class DialProbe: StreamEnd {
  private var outbox: [UInt8]
  private var answered: ((StreamStatus) -> Void)?
  private var isEnding = false
  private var isOver = false
  /// The time that the other side has to close a connection, µs.
  private static let endLimit: UInt64 = 1_000_000
  private enum Timer { static let answer: UInt8 = 0, end: UInt8 = 1 }

  /// - Parameters:
  ///   - payload: the bytes behind the preamble.
  ///   - limit: the time for an answer, µs.
  public init(
    session: Session, slot: Int, preamble: Preamble, payload: [UInt8] = [], limit: UInt64 = 15_000_000,
    answered: @escaping (StreamStatus) -> Void
  ) {
    self.answered = answered
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    outbox.append(contentsOf: payload)
    super.init(session: session, slot: slot)
    loop.schedule(self, after: limit, kind: Timer.answer)
  }

  public override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(outbox.count, capacity)
    if outbox.isEmpty, isEnding { return .finished }
    guard count > 0 else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: !outbox.isEmpty)
  }

  public override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    guard answered != nil, let first = bytes.first else { return }
    let status = StreamStatus(rawValue: first) ?? .failed
    guard status == .connected else { return end(status) }
    isEnding = true
    session.wantsToSend(self)
    loop.schedule(self, after: Self.endLimit, kind: Timer.end)
    tell(status)
  }

  public override func finished() { end(.failed) }
  public override func wasReset() { end(.failed) }
  public override func sessionClosed() { end(.failed) }
  public override func timerFired(_ kind: UInt8) { if kind == Timer.end || !isEnding { end(.timedOut) } }

  /// - Parameter status: the result, unless there was one before.
  private func end(_ status: StreamStatus) {
    guard !isOver else { return }
    isOver = true
    loop.unregister(self)
    session.release(self)
    tell(status)
  }

  private func tell(_ status: StreamStatus) {
    let told = answered
    answered = nil
    told?(status)
  }
}
