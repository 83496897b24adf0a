import Glibc

/// The reason why a channel between a shell's helper and the daemon is unusable.
public enum ShellChannelError: Error, Equatable, CustomStringConvertible {
  /// The peer closed it, or ended.
  case closed
  /// An invalid message, with its fault.
  case malformed(String)
  /// The peer belongs to another user.
  case stranger(uid: UInt32, pid: Int32)
  /// The peer does not read: this many messages wait.
  case stalled(waiting: Int)
  /// A system call failed with this errno.
  case system(call: String, errno: Int32)

  public var description: String {
    switch self {
    case .closed: "the other end of the shell's channel has closed it"
    case .malformed(let what):
      "the other end of the shell's channel sent \(what): it is another version of devtunnel, or no devtunnel at all"
    case .stranger(let uid, let pid):
      "process \(pid) of user \(uid) asked to be a shell of this daemon: only its own user and root may"
    case .stalled(let waiting): "the other end of the shell's channel does not read: \(waiting) messages wait for it"
    case .system(let call, let errno): "\(call) on the shell's channel: \(String(cString: strerror(errno)))"
    }
  }
}
