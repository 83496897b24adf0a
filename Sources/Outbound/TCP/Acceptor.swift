import CLinux
import Relay

/// Takes the connections of a listening socket, a limited number in a turn, so that others have theirs.
/// Out of descriptors, it resets them.
class Acceptor: Handler {
  let loop: EventLoop
  private(set) var fd: Int32
  let counters: OutboundCounters
  private static let turnBudget = 64
  private static let restTime: UInt64 = 100_000

  /// Takes over a listening socket.
  init(loop: EventLoop, fd: Int32, counters: OutboundCounters) {
    self.loop = loop
    self.fd = fd
    self.counters = counters
    super.init()
    _ = clinux_set_nonblocking(fd)
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) { acceptSome() }
  override func timerFired(_ kind: UInt8) { acceptSome() }

  private func acceptSome() {
    var budget = Self.turnBudget
    while fd >= 0 {
      guard budget > 0 else { return loop.readAgain(self) }
      budget -= 1
      let connection = next()
      if connection >= 0 {
        accepted(connection)
      } else if connection == -clinux_EAGAIN {
        return
      } else if connection == -clinux_EMFILE || connection == -clinux_ENFILE {
        counters.problem(
          "the daemon is out of file descriptors: new connections are reset (raise the limit, `ulimit -n`)")
        if loop.turnAway(fd) { continue }
        return loop.schedule(self, after: Self.restTime, kind: 0)
      }
      // Any other error belongs to one connection, gone before we took it (accept(2)).
    }
  }

  /// Returns the kernel's next connection, or -errno.
  func next() -> Int32 {
    var peer = clinux_address()
    return clinux_accept(fd, &peer)
  }

  /// Takes a new connection, which belongs to the callee.
  func accepted(_ connection: Int32) { clinux_reset(connection) }

  func close() {
    loop.end(self, &fd)
  }
}
