import CLinux
import Glibc
import KubeAPI
import Synchronization

/// The connection through one SSH host: a session that is made at the first use, kept alive, and made
/// again at the next use after it broke. Other SSH hosts may be on the way, each with a session of its own.
///
/// Its threads and sessions end with `close()`, or with the last reference; channels that are open then see their end.
public final class BastionConnection: Sendable {
  public let settings: BastionSettings
  let loop: BastionLoop
  let identity = APIConnector.Identity()
  /// The connection to the last hop before this host; nil if it is reached directly.
  private let hop: BastionConnection?

  public init(_ settings: BastionSettings) {
    self.settings = settings
    hop = settings.hops.last.map { last in
      var last = last
      last.hops = settings.hops.dropLast()
      return BastionConnection(last)
    }
    loop = BastionLoop(settings, hop: hop)
  }

  deinit { loop.stop() }

  /// Connects and logs in, unless that is done already: to find problems early, and to ask the user. Does
  /// not wait after an earlier failure.
  /// - Throws: `BastionError`.
  public func connect() async throws(BastionError) {
    let error: BastionError? = await withCheckedContinuation { continuation in
      loop.post(.connect { continuation.resume(returning: $0) })
    }
    if let error { throw error }
  }

  /// Opens a direct-tcpip channel, and waits for it: blocks the calling thread.
  /// - Parameter host: a name or address as the SSH host sees it.
  /// - Returns: one end of a Unix stream socket pair, non-blocking and close-on-exec, the caller's to close. Half-close
  ///   is passed on in both directions.
  /// - Throws: `BastionError`.
  public func open(host: String, port: UInt16) throws(BastionError) -> Int32 {
    // No descriptor: poll skips it.
    try open(host: host, port: port, wake: -1) { false }
  }

  /// Opens a channel as above, but gives it up once it is cancelled.
  /// - Parameter wake: an eventfd that is signalled when `isCancelled` may have changed.
  /// - Throws: `BastionError`; `.closed` if it was cancelled.
  func open(host: String, port: UInt16, wake: Int32, isCancelled: () -> Bool) throws(BastionError) -> Int32 {
    final class Answer: Sendable {
      let event = Mutex<ChannelEvent?>(nil)
      let signal = clinux_eventfd()
      deinit { clinux_close(signal) }
    }
    let answer = Answer()
    let socket = try begin(host: host, port: port) { event in
      answer.event.withLock { $0 = $0 ?? event }
      clinux_eventfd_signal(answer.signal)
    }
    var entries = [answer.signal, wake].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while answer.event.withLock({ $0 == nil }), !isCancelled() {
      if poll(&entries, 2, -1) > 0, entries[1].revents != 0 { clinux_eventfd_drain(wake) }
    }
    let problem: BastionError
    switch answer.event.withLock({ $0 }) {
    case .refused(let error): problem = error
    case nil: problem = .closed(host: settings.name)
    case .opened, .lost: return socket
    }
    clinux_close(socket)
    throw problem
  }

  /// Opens a channel behind a socket that exists at once: bytes written to it wait until the channel is open.
  /// - Parameter report: called on the connection's thread, which it must not block.
  /// - Returns: as `open`; after a failure the other end is closed, once `report` has got the reason.
  /// - Throws: `BastionError.unreachable` without descriptors.
  public func begin(host: String, port: UInt16, report: @escaping @Sendable (ChannelEvent) -> Void) throws(BastionError)
    -> Int32
  {
    var pair: [Int32] = [-1, -1]
    let code = clinux_socketpair(&pair)
    guard code >= 0 else {
      throw .unreachable(host: settings.name, cause: "no socket: \(String(cString: strerror(-code)))")
    }
    // As much as the kernel lets an unprivileged process have (net.core.wmem_max).
    for socket in pair {
      var size: CInt = 1 << 20
      setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<CInt>.size))
    }
    loop.post(.open(Opening(host: host, port: port, socket: pair[1], report: report)))
    return pair[0]
  }

  /// Ends the session, those of its hops, and all channels. Later uses fail with `.closed`.
  public func close() {
    loop.stop()
    hop?.close()
  }
}
