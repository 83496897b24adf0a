import CLinux
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The number of descriptors that this process may have (setrlimit(2), RLIMIT_NOFILE).
public enum OpenFiles {
  private static let former = Mutex<UInt64?>(nil)

  /// More than any process of ours needs; some machines allow a thousand million.
  static let enough: UInt64 = 1 << 20

  /// The current soft limit.
  public static var limit: Int {
    var (now, most): (UInt64, UInt64) = (0, 0)
    return clinux_open_files(&now, &most) == 0 ? Int(clamping: min(now, enough)) : 1024
  }

  /// Raises the soft limit to the hard one. Children inherit it: foreign programs are started with `command`.
  /// - Returns: the limit from now on.
  @discardableResult
  public static func raise() -> Int {
    var (now, most): (UInt64, UInt64) = (0, 0)
    guard clinux_open_files(&now, &most) == 0 else { return limit }
    let wanted = min(most, enough)
    if now < wanted, clinux_set_open_files(wanted) == 0 { former.withLock { $0 = $0 ?? now } }
    return limit
  }

  /// Returns the command that starts a program with the limit from before `raise`: some programs close every descriptor
  /// up to the limit, some use select(2), which handles 1,024.
  /// - Parameter program: a path.
  public static func command(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
    // The caller reports a missing program.
    guard let former = former.withLock({ $0 }), access(program, X_OK) == 0 else { return (program, arguments) }
    return ("/bin/sh", ["-c", #"ulimit -S -n "$0"; exec "$@""#, String(former), program] + arguments)
  }
}
