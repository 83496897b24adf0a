import CControl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Starts programs that outlive the command: in a session of their own, stdin from /dev/null, cwd /, stdout and stderr
/// appended to a file. They inherit the environment, which exec credential plugins and proxies need.
public enum DetachedProgram {
  /// Starts a program.
  /// - Parameter executable: nil for this program's own.
  /// - Returns: the process's id.
  public static func start(_ arguments: [String], executable: String? = nil, log path: String) throws(ControlError)
    -> Int32
  {
    let program = if let executable { executable } else { try ownExecutable() }
    let log = ccontrol_open_append(path)
    guard log >= 0 else { throw .system("cannot write \(path)", Int(log)) }
    defer { ccontrol_close(log) }
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    defer { words.forEach { free($0) } }
    words.append(nil)
    let pid = ccontrol_spawn_detached(program, words, log)
    guard pid > 0 else { throw .system("cannot start \(program)", Int(pid)) }
    return pid
  }

  /// Returns the executable's path. `/proc/self/exe` would start the right file too, but ps should show a name.
  public static func ownExecutable() throws(ControlError) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count > 0 else { throw .system("cannot find the own executable", -Int(errno)) }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Checks whether a process that was started here has ended.
  public static func hasEnded(_ pid: Int32) -> Bool {
    var status: Int32 = 0
    return ccontrol_has_ended(pid, &status) != 0
  }
}

/// A lock that one process holds as long as the value lives; the lock of a process that dies is released.
public struct FileLock: ~Copyable, Sendable {
  private let fd: Int32

  /// Takes the lock; nil if another process holds it.
  public static func take(_ path: String) throws(ControlError) -> FileLock? {
    let fd = ccontrol_lock(path)
    if fd == -EWOULDBLOCK { return nil }
    guard fd >= 0 else { throw .system("cannot lock \(path)", Int(fd)) }
    return FileLock(fd: fd)
  }

  deinit { ccontrol_close(fd) }
}
