import Relay
import TunnelProtocol

/// An agent's reports of the requests of a port.
public struct RequestsWatching: Sendable {
  /// Returns true once nothing more comes.
  public var isOver: @Sendable () async -> Bool
  public var stop: @Sendable () -> Void

  public init(isOver: @escaping @Sendable () async -> Bool, stop: @escaping @Sendable () -> Void) {
    self.isOver = isOver
    self.stop = stop
  }
}

/// The stream by which an agent reports the requests of a port. Lives on the relay's thread.
final class WatchEnd: StreamEnd {
  private var outbox: [UInt8]
  private var status: StreamStatus?
  private var reader = WatchedRecordReader()
  private let take: ([WatchedRecordReader.Event]) -> Void
  /// True once nothing more comes.
  private(set) var isOver = false

  init(session: Session, slot: Int, port: UInt16, take: @escaping ([WatchedRecordReader.Event]) -> Void) {
    let preamble = Preamble(.exchanges, port: port)
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { $0.baseAddress.map { preamble.write(to: $0) } }
    self.take = take
    super.init(session: session, slot: slot)
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(outbox.count, capacity)
    guard count > 0 else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: !outbox.isEmpty)
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
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

  override func finished() { stop() }
  override func wasReset() { stop() }
  override func sessionClosed() { stop() }

  /// Ends the stream.
  func stop() {
    guard !isOver else { return }
    isOver = true
    loop.unregister(self)
    session.release(self)
  }
}
