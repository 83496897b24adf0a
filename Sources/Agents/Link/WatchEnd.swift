import Relay
import TunnelProtocol

/// The stream by which an agent reports the requests of a port. Lives on the relay's thread.
public final class WatchEnd: StreamEnd {
  private var outbox: [UInt8]
  private var status: StreamStatus?
  private var reader = WatchedRecordReader()
  private let take: ([WatchedRecordReader.Event]) -> Void
  /// True once nothing more comes.
  public private(set) var isOver = false

  init(session: Session, slot: Int, port: UInt16, take: @escaping ([WatchedRecordReader.Event]) -> Void) {
    let preamble = Preamble(.exchanges, port: port)
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { $0.baseAddress.map { preamble.write(to: $0) } }
    self.take = take
    super.init(session: session, slot: slot)
  }

  public override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(outbox.count, capacity)
    guard count > 0 else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: !outbox.isEmpty)
  }

  public override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    var rest = bytes
    if status == nil, let first = bytes.first {
      status = StreamStatus(rawValue: first) ?? .failed
      rest = UnsafeRawBufferPointer(rebasing: bytes[1...])
      if status != .connected { return stop() }
    }
    let events = reader.take(rest)
    if !events.isEmpty { take(events) }
  }

  public override func finished() { stop() }
  public override func wasReset() { stop() }
  public override func sessionClosed() { stop() }

  /// Ends the stream.
  public func stop() {
    guard !isOver else { return }
    isOver = true
    loop.unregister(self)
    session.release(self)
  }
}
