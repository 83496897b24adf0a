import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// The control stream's end: whole messages both ways.
public final class ControlEnd: StreamEnd {
  private let onMessage: (ControlMessage) -> Void
  private var outbox: [UInt8]
  private var inbox: [UInt8] = []
  private var statusPending: Bool
  public private(set) var isOver = false
  /// Limits the queue: a peer that does not read its control stream is broken.
  private static let outboxLimit = 64 << 10

  /// - Parameter opening: this side opens the stream, so that its preamble goes first and a status comes back.
  public init(session: Session, slot: Int, opening: Bool, onMessage: @escaping (ControlMessage) -> Void) {
    self.onMessage = onMessage
    statusPending = opening
    if opening {
      let preamble = Preamble(.control)
      outbox = [UInt8](repeating: 0, count: preamble.size)
      outbox.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    } else {
      outbox = [StreamStatus.connected.rawValue]
    }
    super.init(session: session, slot: slot)
  }

  /// Queues a message; dropped if the stream is over or the queue is full.
  public func send(_ message: ControlMessage) {
    guard !isOver, outbox.count < Self.outboxLimit else { return }
    let start = outbox.count
    for _ in 0..<ControlMessage.size { outbox.append(0) }
    outbox.withUnsafeMutableBytes { message.write(to: $0.baseAddress! + start) }
    session.wantsToSend(self)
  }

  public override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(capacity, outbox.count)
    guard count > 0 else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: !outbox.isEmpty)
  }

  public override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    for byte in bytes {
      if statusPending {
        statusPending = false
        continue
      }
      inbox.append(byte)
      guard inbox.count == ControlMessage.size else { continue }
      let message = inbox.withUnsafeBytes { ControlMessage(reading: $0.baseAddress!) }
      inbox.removeAll(keepingCapacity: true)
      if let message { onMessage(message) }
    }
  }

  public override func finished() { end() }
  public override func wasReset() { end() }
  public override func sessionClosed() { isOver = true }

  private func end() {
    isOver = true
    session.release(self)
  }
}
