import CSSH2

extension SSHSession {
  /// Connects, checks the host key and logs in. Blocks the bastion's thread; no channel exists meanwhile.
  /// - Parameter hop: the SSH host that connects to this one; its own login has a limit of its own.
  static func login(
    _ settings: BastionSettings, through hop: BastionConnection?, wake: Int32, isCancelled: @escaping () -> Bool
  ) throws(BastionError) -> SSHSession {
    let channel = try hop?.open(host: settings.host, port: settings.port, wake: wake, isCancelled: isCancelled)
    let deadline = ContinuousClock.now + settings.connectTimeout
    let socket: Int32
    if let channel {
      socket = channel
    } else {
      socket = try connectTCP(settings, until: deadline, wake, isCancelled: isCancelled)
    }
    let session = try SSHSession(socket: socket, host: settings.name, wake: wake, isCancelled: isCancelled)
    do throws(BastionError) {
      let check = HostKeyCheck(settings)
      check.prefer(in: session)
      let code = session.drive(until: deadline) { libssh2_session_handshake(session.pointer, socket) }
      switch code {
      case 0: break
      case LIBSSH2_ERROR_TIMEOUT:
        throw BastionError.unreachable(host: settings.name, cause: "no SSH handshake within \(settings.connectTimeout)")
      default:
        throw BastionError.unreachable(
          host: settings.name, cause: "no SSH handshake: \(session.transport.end ?? session.lastError)")
      }
      let start = ContinuousClock.now
      try check.check(session)
      var authentication = Authentication(settings, session, until: deadline + (.now - start))
      try authentication.run()
      libssh2_keepalive_config(session.pointer, 1, 1)
      return session
    } catch {
      session.disconnect()
      throw isCancelled() ? .closed(host: settings.name) : error.with(settings.notes)
    }
  }
}
