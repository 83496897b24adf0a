import CSSH2
import Glibc

/// The keep-alive: it asks the server for a sign of life, and counts requests without an answer
/// (`keepalive@openssh.com`-style global requests of libssh2).
struct KeepAlive {
  static let limit = 3

  private let interval: Duration
  private(set) var next: ContinuousClock.Instant
  private var asked: ContinuousClock.Instant?
  private var misses = 0
  private var unread: CInt = 0

  init(interval: Duration) {
    self.interval = max(interval, .seconds(2))
    next = .now + self.interval
  }

  /// - Returns: false if the server is dead.
  mutating func tick(_ session: SSHSession) -> Bool {
    let now = ContinuousClock.now
    guard now >= next else { return true }
    // Unread bytes, while there is no channel, are a sign too.
    var waiting: CInt = 0
    if ioctl(session.transport.socket, UInt(FIONREAD), &waiting) == 0, waiting != unread {
      session.transport.sawInput()
    }
    unread = waiting
    if let asked { misses = session.transport.lastInput < asked ? misses + 1 : 0 }
    guard misses < Self.limit else { return false }
    var pause = interval
    if now - next > interval * 2 {
      // The machine slept: find out soon.
      misses = Self.limit - 1
      pause = min(interval, .seconds(5))
    }
    var seconds: CInt = 0
    libssh2_keepalive_send(session.pointer, &seconds)
    asked = now
    next = now + pause
    return true
  }
}
