#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A stream that only tests whether a dial on the other side succeeds, and ends it at once.
public final class DialProbe: StreamEnd {
  private var outbox: [UInt8]
  private var answered: ((StreamStatus) -> Void)?

  public init(session: Session, slot: Int, preamble: Preamble, answered: @escaping (StreamStatus) -> Void) {
    self.answered = answered
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    super.init(session: session, slot: slot)
  }

  public override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = outbox.count
    guard count > 0, count <= capacity else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox = []
    return .bytes(count, more: false)
  }

  public override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    if let first = bytes.first { end(StreamStatus(rawValue: first) ?? .failed) }
  }

  public override func finished() { end(.failed) }
  public override func wasReset() { end(.failed) }
  public override func sessionClosed() { end(.failed) }

  private func end(_ status: StreamStatus) {
    guard let told = answered else { return }
    answered = nil
    session.release(self)
    told(status)
  }
}
