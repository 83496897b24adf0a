import CControl
import ControlAPI
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The daemon's log file. At its limit it becomes `daemon.log.1`, replacing the former one, and a new file begins.
public final class LogFile: Sendable {
  private struct State {
    var fd: Int32
    var size: Int
  }

  private let path: String
  private let old: String
  private let limit: Int
  private let takesStandardError: Bool
  private let state: Mutex<State>

  /// - Parameters:
  ///   - limit: bytes.
  ///   - takesStandardError: true to send stdout and stderr into the file too, so that it shows a crash's last words.
  public init(paths: ControlPaths, limit: Int = 10 << 20, takesStandardError: Bool) throws(ControlError) {
    path = paths.log
    old = paths.oldLog
    self.limit = limit
    self.takesStandardError = takesStandardError
    let fd = ccontrol_open_append(path)
    guard fd >= 0 else { throw ControlError(.failed, "cannot write \(path): \(String(cString: strerror(-fd)))") }
    state = Mutex(State(fd: fd, size: LogTail(path: path).size))
    if takesStandardError { redirect(to: fd) }
  }

  deinit { state.withLock { ccontrol_close($0.fd) } }

  /// Appends a line; the newline is added. A line that cannot be written is lost: no one could be informed.
  public func write(_ line: String) {
    var bytes = Array(line.utf8)
    bytes.append(UInt8(ascii: "\n"))
    state.withLock { state in
      if state.size > 0, state.size + bytes.count > limit { rotate(&state) }
      let count = bytes.withUnsafeBytes { append(state.fd, $0) }
      state.size += max(0, count)
    }
  }

  private func rotate(_ state: inout State) {
    rename(path, old)
    let fd = ccontrol_open_append(path)
    guard fd >= 0 else { return }
    ccontrol_close(state.fd)
    state = State(fd: fd, size: 0)
    if takesStandardError { redirect(to: fd) }
  }

  private func redirect(to fd: Int32) {
    dup2(fd, STDOUT_FILENO)
    dup2(fd, STDERR_FILENO)
  }
}

// `LogFile.write` hides the system call's name.
private func append(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) -> Int { write(fd, bytes.baseAddress, bytes.count) }
