import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// Routes streams that the peer opens to their ends, by their preambles.
open class StreamRouter {
  public init() {}

  /// Returns the end for a stream; nil resets it. A TCP stream is an `AcceptorEnd`, connected or refused
  /// at once or later.
  open func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? { nil }

  /// Called when a stream was refused, which the peer learns.
  open func refused(_ preamble: Preamble, _ status: StreamStatus) {}

  /// Called when an end that `route` has made is over, and its socket closed.
  open func ended(_ end: StreamEnd, _ preamble: Preamble) {}
}

/// Holds a new stream until its preamble has arrived, then hands it to the end that the router chooses.
final class PreambleReader: StreamEnd {
  private var head: [UInt8] = []

  override func received(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !isComplete, let byte = rest.first {
      head.append(byte)
      rest = UnsafeRawBufferPointer(rebasing: rest[1...])
    }
    guard isComplete else { return }
    session.consume(self, head.count)
    let preamble = head.withUnsafeBytes { Preamble(reading: $0.baseAddress!) }
    guard let preamble, let end = session.router?.route(preamble, slot: slot, session: session) else {
      return session.release(self)
    }
    session.replace(self, with: end)
    if !rest.isEmpty { end.received(rest) }
  }

  private var isComplete: Bool {
    head.count >= Preamble.headSize && head.count == head.withUnsafeBytes { Preamble.size(reading: $0.baseAddress!) }
  }

  /// Releases a stream that ended before its preamble was complete.
  override func finished() { session.release(self) }
  override func wasReset() { session.release(self) }
}
