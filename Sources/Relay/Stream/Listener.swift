import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// Accepts TCP connections on one address. Out of descriptors, it resets them: a client without an
/// answer waits forever.
open class Listener: Handler {
  public let loop: EventLoop
  /// Owned; -1 once closed.
  public private(set) var fd: Int32
  private static let restTime: UInt64 = 100_000

  /// Takes over a listening socket.
  public init(loop: EventLoop, fd: Int32) {
    self.loop = loop
    self.fd = fd
  }

  /// Begins to accept.
  public final func start() { loop.watch(fd, self) }

  open override func ready(_ events: UInt32) { acceptAll() }
  open override func timerFired(_ kind: UInt8) { acceptAll() }

  private func acceptAll() {
    while fd >= 0 {
      var peer = clinux_address()
      let connection = clinux_accept(fd, &peer)
      if connection >= 0 {
        accepted(connection, peer: peer)
      } else if connection == -clinux_EAGAIN {
        return
      } else if connection == -clinux_EMFILE || connection == -clinux_ENFILE {
        if loop.turnAway(fd) {
          turnedAway()
          continue
        }
        return loop.schedule(self, after: Self.restTime, kind: 0)
      }
      // Any other error belongs to one connection, gone before we took it (accept(2)).
    }
  }

  /// Takes a new connection, which belongs to the callee.
  open func accepted(_ connection: Int32, peer: clinux_address) { clinux_reset(connection) }

  /// Called when a connection was reset, since there was no descriptor for it.
  open func turnedAway() {}

  public final func close() {
    loop.end(self, &fd)
  }
}
