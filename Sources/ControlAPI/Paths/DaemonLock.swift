import CControl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The lock that a daemon holds as long as it lives.
public struct DaemonLock: ~Copyable, Sendable {
  private let fd: Int32

  /// Takes the lock.
  /// - Parameter patience: the time for which an ending daemon may still hold it.
  /// - Throws: `.conflict` if another daemon keeps it.
  public init(paths: ControlPaths, patience: Duration) async throws(ControlError) {
    let clock = ContinuousClock()
    let end = clock.now + patience
    while true {
      let fd = ccontrol_lock(paths.daemonLock)
      if fd >= 0 {
        self.fd = fd
        let holder = "\(getpid())\n"
        _ = ftruncate(fd, 0)
        _ = pwrite(fd, holder, holder.utf8.count, 0)
        return
      }
      guard fd == -EWOULDBLOCK else { throw .system("cannot lock \(paths.daemonLock)", Int(fd)) }
      guard clock.now < end else {
        let holder = LogTail(path: paths.daemonLock).read(from: 0).flatMap {
          Int(String(decoding: $0, as: UTF8.self).dropLast())
        }
        let end =
          holder.map { "; if its socket was removed, so that no command finds it, `kill \($0)` ends it in good order" }
          ?? ""
        throw ControlError(
          .conflict,
          "another daemon of yours runs, or is still ending: "
            + "\(holder.map { "process \($0)" } ?? "it") holds \(paths.daemonLock)",
          remedy: "devtunnel logs shows what it does\(end)")
      }
      do { try await Task.sleep(for: .milliseconds(10)) } catch { throw ControlError(.cancelled, "cancelled") }
    }
  }

  deinit { ccontrol_close(fd) }
}
