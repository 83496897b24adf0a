import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// The byte stream below a session: a socket in the agent, a port-forward in the daemon.
///
/// Sending is by one staging buffer: the session fills `staging`, `send(count)` frames it where it stands and hands it
/// to the transport. While a part of it waits, `isBusy` is true and nothing more is staged: that is the back-pressure,
/// down to the sockets that are not read.
open class Carrier: Handler {
  public let loop: EventLoop
  public var session: Session?
  /// Where the session writes. What stands before it, `headroom` bytes, is the carrier's for its framing.
  public let staging: UnsafeMutableRawPointer
  public let capacity: Int
  private let memory: UnsafeMutableRawPointer
  /// Part of the staged bytes has not left yet.
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

  /// Sends the first `count` bytes of `staging`; sets `isBusy` where some must wait. When they are gone, calls
  /// `session.pump()`.
  open func send(_ count: Int) {}

  /// Closes the transport. Calls nobody.
  open func close() { isClosed = true }

  /// For subclasses: the transport has ended; tells the session.
  public final func ended(_ reason: CarrierEnd) {
    guard !isClosed else { return }
    let session = session
    close()
    self.session = nil
    session?.carrierEnded(reason)
  }
}

/// How a carrier ended.
public enum CarrierEnd: Sendable, Equatable {
  /// The other side closed it.
  case closed
  /// errno.
  case failed(Int32)
  /// The peer broke the framing below yamux.
  case malformed
}
