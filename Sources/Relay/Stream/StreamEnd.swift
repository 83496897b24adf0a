import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// What an end has for the carrier.
public enum Produced {
  case nothing
  /// So many bytes have been written; `more`: ask again.
  case bytes(Int, more: Bool)
  /// No more bytes will come.
  case finished
}

/// This side's end of one stream.
open class StreamEnd: Handler {
  public let session: Session
  public let slot: Int
  var inRing = false

  public init(session: Session, slot: Int) {
    self.session = session
    self.slot = slot
  }

  public var loop: EventLoop { session.loop }
  public final override func shed() { abort() }

  /// The peer's bytes. Whoever takes them calls `session.consume`.
  open func received(_ bytes: UnsafeRawBufferPointer) {}
  /// The peer sends no more.
  open func finished() {}
  /// The peer reset the stream.
  open func wasReset() {}
  /// The session is gone, and with it the stream.
  open func sessionClosed() {}
  /// Ends both directions at once, with a reset to both sides.
  open func abort() {}
  /// Writes at most `capacity` bytes for the peer. Called only with room and credit.
  open func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced { .nothing }
  /// What `produce` returned has been staged.
  open func produced() {}
}
