import CShell
import Glibc

/// The helper's work while the command runs: it mints sockets, keeps the resolver's files in place and
/// finds the daemon again.
struct Resident {
  var child: ChildCommand
  var link: DaemonLink
  var resolver: ResolverFiles

  /// The time for the daemon to release everything it holds for this shell, in milliseconds.
  private static let byeWithin: UInt64 = 15_000
  /// The pause between two looks for a missing host file under a stand-in, in milliseconds.
  private static let restoreEvery: Int32 = 100

  /// - Returns: the command's exit status.
  func run() throws(ShellError) -> Int32 {
    let mounts = cshell_open("/proc/self/mountinfo")
    defer { if mounts >= 0 { close(mounts) } }
    var isWhole = resolver.restore()
    while true {
      let toDaemon = cshell_POLLIN | (link.isWaitingToWrite ? cshell_POLLOUT : 0)
      var returned: [Int16] = [0, 0, 0]
      let wait = isWhole ? (link.isOpen || link.isRefused ? -1 : DaemonLink.retryEvery) : Self.restoreEvery
      try check(
        cshell_poll([child.signals, link.fd, mounts], [cshell_POLLIN, toDaemon, cshell_POLLPRI], &returned, 3, wait),
        "wait")
      child.turn()
      if let status = child.status { return leave(status) }
      if !link.isOpen { link.reopen() } else if returned[1] != 0 { _ = link.turn() }
      if returned[2] != 0 || !isWhole { isWhole = resolver.restore() }
    }
  }

  /// Waits until the daemon has ended everything of this shell, before the namespace ends.
  private func leave(_ status: Int32) -> Int32 {
    guard link.sayExiting(code: status) else { return status }
    let deadline = cshell_monotonic_ms() + Self.byeWithin
    while link.isOpen, case let now = cshell_monotonic_ms(), now < deadline {
      var returned: Int16 = 0
      let events = cshell_POLLIN | (link.isWaitingToWrite ? cshell_POLLOUT : 0)
      _ = cshell_poll([link.fd], [events], &returned, 1, Int32(deadline - now))
      if link.turn() { break }
    }
    return status
  }
}
