import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// An end's output for the carrier.
public enum Produced {
  case nothing
  /// The number of bytes written; `more`: ask again.
  case bytes(Int, more: Bool)
  /// No more bytes will come.
  case finished
}

/// This side's end of one stream.
open class StreamEnd: Handler {
  public let session: Session
  /// The stream's index in the yamux session.
  public let slot: Int
  var inRing = false

  public init(session: Session, slot: Int) {
    self.session = session
    self.slot = slot
  }

  public var loop: EventLoop { session.loop }
  public final override func shed() { abort() }

  /// Takes the peer's bytes. It must call `session.consume`.
  open func received(_ bytes: UnsafeRawBufferPointer) {}
  /// Called when the peer sends no more.
  open func finished() {}
  /// Called when the peer has reset the stream.
  open func wasReset() {}
  /// Called when the session is gone, and the stream with it.
  open func sessionClosed() {}
  /// Ends both directions at once, with a reset to both sides.
  open func abort() {}
  /// Writes at most `capacity` bytes for the peer. Called only with room and credit.
  open func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced { .nothing }
  /// Called when the output of `produce` has been staged.
  open func produced() {}
}
