import CLinux
import CSSH2
import Glibc

/// The owner of one libssh2 session and of the connection under it. Belongs to the bastion's thread.
final class SSHSession {
  let pointer: OpaquePointer
  let transport: Transport
  /// Readable when the thread is needed elsewhere; a login is then given up.
  private let wake: Int32
  private let isCancelled: () -> Bool

  static let library: Bool = libssh2_init(0) == 0

  /// - Throws: `BastionError.unreachable` without memory.
  init(socket: Int32, host: String, wake: Int32, isCancelled: @escaping () -> Bool) throws(BastionError) {
    transport = Transport(socket: socket)
    self.wake = wake
    self.isCancelled = isCancelled
    // Not retained: the session is freed before the transport is.
    let context = Unmanaged.passUnretained(transport).toOpaque()
    let session = cssh2_session(
      context,
      { socket, buffer, length, _, abstract in
        let transport = Unmanaged<Transport>.fromOpaque(abstract!.pointee!).takeUnretainedValue()
        // ssh-agent's socket, which blocks, is read here as well.
        return socket == transport.socket ? transport.receive(buffer!, length) : clinux_receive(socket, buffer, length)
      },
      { socket, buffer, length, _, abstract in
        let transport = Unmanaged<Transport>.fromOpaque(abstract!.pointee!).takeUnretainedValue()
        return socket == transport.socket ? transport.send(buffer!, length) : clinux_send(socket, buffer, length)
      })
    guard Self.library, let session else { throw .unreachable(host: host, cause: "libssh2 could not be started") }
    pointer = session
  }

  deinit {
    // libssh2 would wait for the server's consent to the end of each channel.
    transport.cut()
    libssh2_session_free(pointer)
  }

  var lastError: String { String(cString: cssh2_last_error(pointer)) }

  /// Informs the server, as far as possible without waiting.
  func disconnect() {
    libssh2_session_disconnect_ex(pointer, SSH_DISCONNECT_BY_APPLICATION, "", "")
    transport.flush()
  }

  /// Repeats a call of the login until it is over: a handshake or an authentication, while no channel exists.
  /// - Returns: the call's result, other than EAGAIN; LIBSSH2_ERROR_TIMEOUT after the deadline.
  func drive(until deadline: ContinuousClock.Instant, _ call: () -> Int32) -> Int32 {
    while true {
      transport.beginTurn()
      let code = call()
      transport.flush()
      guard code == LIBSSH2_ERROR_EAGAIN else { return code }
      guard transport.end == nil else { return LIBSSH2_ERROR_SOCKET_DISCONNECT }
      guard !isCancelled() else { return LIBSSH2_ERROR_SOCKET_NONE }
      let left = deadline - .now
      guard left > .zero else { return LIBSSH2_ERROR_TIMEOUT }
      if transport.hasInput { continue }
      clinux_eventfd_drain(wake)
      guard !isCancelled() else { return LIBSSH2_ERROR_SOCKET_NONE }
      var entries = [
        pollfd(fd: transport.socket, events: Int16(POLLIN) | (transport.backlog > 0 ? Int16(POLLOUT) : 0), revents: 0),
        pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
      ]
      poll(&entries, 2, left.pollMilliseconds)
    }
  }
}

extension SSHSession {
  /// Checks whether the server closes the connection by then: its end may still be on the way when libssh2 has reported
  /// a cut connection as a refusal.
  func isHungUp(within limit: Duration) -> Bool {
    let deadline = ContinuousClock.now + limit
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { rest in
      while transport.end == nil {
        transport.beginTurn()
        if transport.receive(rest.baseAddress!, rest.count) > 0 { continue }
        let left = deadline - .now
        guard transport.end == nil, left > .zero else { break }
        var entry = pollfd(fd: transport.socket, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, left.pollMilliseconds)
      }
      return transport.end != nil
    }
  }
}

extension Duration {
  /// Milliseconds, rounded up, so that poll does not return early.
  var pollMilliseconds: Int32 {
    let (seconds, attoseconds) = components
    return Int32(clamping: max(0, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
  }
}
