import CControl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Connects to the user's daemon, and starts it first if none runs. Of several commands at once, the one that holds the
/// start lock starts it.
public struct DaemonStarter: Sendable {
  /// Starts a daemon for these paths and returns its process, or nil if it has none of its own.
  public typealias Start = @Sendable (ControlPaths) throws(ControlError) -> Int32?

  let paths: ControlPaths
  let deadline: Duration
  private let start: Start

  /// - Parameter deadline: the time within which the socket must answer.
  public init(paths: ControlPaths, deadline: Duration = .seconds(5), start: @escaping Start) {
    self.paths = paths
    self.deadline = deadline
    self.start = start
  }

  /// Starts a program, detached, with the daemon's log file for its output.
  public static func program(_ arguments: [String], executable: String? = nil) -> Start {
    { paths throws(ControlError) in try DetachedProgram.start(arguments, executable: executable, log: paths.log) }
  }

  func connect() async throws(ControlError) -> LineConnection {
    if let connection = try ControlSocket.connectIfListening(paths.socket) { return connection }
    try paths.prepare()
    let clock = ContinuousClock()
    // Another command may hold the lock for as long as its own start takes.
    let end = clock.now + deadline * 2
    while true {
      let lock = ccontrol_lock(paths.startLock)
      if lock >= 0 {
        defer { ccontrol_close(lock) }
        // The daemon may have started while this waited for the lock.
        if let connection = try ControlSocket.connectIfListening(paths.socket) { return connection }
        return try await startAndConnect()
      }
      guard lock == -EWOULDBLOCK else { throw .system("cannot lock \(paths.startLock)", Int(lock)) }
      guard clock.now < end else {
        throw ControlError(
          .timedOut, "another command is still starting the daemon",
          remedy: "try again; devtunnel logs shows what it does")
      }
      try await pause()
      if let connection = try ControlSocket.connectIfListening(paths.socket) { return connection }
    }
  }

  private func startAndConnect() async throws(ControlError) -> LineConnection {
    let log = LogTail(path: paths.log)
    let before = log.size
    let pid = try start(paths)
    let clock = ContinuousClock()
    let end = clock.now + deadline
    while clock.now < end {
      if let connection = try ControlSocket.connectIfListening(paths.socket) { return connection }
      var status: Int32 = 0
      if let pid, ccontrol_has_ended(pid, &status) == 1 {
        // Another daemon may have been faster, started by hand.
        if let connection = try ControlSocket.connectIfListening(paths.socket) { return connection }
        throw failure("the daemon ended while it started", log, before)
      }
      try await pause()
    }
    throw failure("the daemon does not answer on \(paths.socket)", log, before)
  }

  private func failure(_ message: String, _ log: LogTail, _ before: Int) -> ControlError {
    // A smaller file was rotated meanwhile.
    let lines = log.lastLines(10, from: log.size < before ? 0 : before)
    return ControlError(.failed, message, remedy: "its log is \(paths.log)", details: lines)
  }

  private func pause() async throws(ControlError) {
    do { try await Task.sleep(for: .milliseconds(5)) } catch {
      throw ControlError(.cancelled, "cancelled before the daemon was asked")
    }
  }
}
