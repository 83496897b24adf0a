import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// The byte stream below a session: a socket in the agent, a port-forward in the daemon.
///
/// Sending uses one staging buffer: the session fills `staging`, `send(count)` frames it in place and gives
/// it to the transport. While a part of it waits, `isBusy` is true and nothing more is staged: this
/// back-pressure reaches the sockets, which are not read.
open class Carrier: Handler {
  public let loop: EventLoop
  public var session: Session?
  /// The session writes here. The `headroom` bytes before it are the carrier's for its framing.
  public let staging: UnsafeMutableRawPointer
  /// The bytes of `staging`.
  public let capacity: Int
  private let memory: UnsafeMutableRawPointer
  /// True while part of the staged bytes waits to be sent.
  public var isBusy = false
  public private(set) var isClosed = false

  public init(loop: EventLoop, headroom: Int, capacity: Int) {
    self.loop = loop
    self.capacity = capacity
    memory = .allocate(byteCount: headroom + capacity, alignment: 16)
    staging = memory + headroom
  }

  deinit { memory.deallocate() }

  /// Begins to read; the session is set.
  open func start() {}

  /// Sends the first `count` bytes of `staging`; sets `isBusy` if some must wait. Once they are gone,
  /// calls `session.pump()`.
  open func send(_ count: Int) {}

  /// Closes the transport without a call back.
  open func close() { isClosed = true }

  /// Reports the transport's end to the session; for subclasses.
  public final func ended(_ reason: CarrierEnding) {
    guard !isClosed else { return }
    let session = session
    close()
    self.session = nil
    session?.carrierEnded(reason)
  }
}

/// The end of a carrier.
public enum CarrierEnding: Sendable, Equatable {
  /// The other side closed it.
  case closed
  /// errno.
  case failed(Int32)
  /// The peer broke the framing below yamux.
  case malformed
}
