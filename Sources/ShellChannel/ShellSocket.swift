import CShell
import Glibc

/// The daemon's socket that helpers connect to, for an event loop on one thread: watch `fd` for input, then `accept()`
/// until it returns nil.
public final class ShellSocket {
  /// Non-blocking; owned by this object.
  public let fd: Int32
  public let path: String
  private let owner: UInt32
  private let inode: UInt64

  /// Listens at `path` (mode 0600). It replaces a file that an earlier daemon left: check first that no
  /// other daemon runs.
  /// - Throws: `.system`, with ENAMETOOLONG above 107 bytes.
  public convenience init(path: String) throws(ShellChannelError) { try self.init(path: path, owner: geteuid()) }

  init(path: String, owner: UInt32) throws(ShellChannelError) {
    unlink(path)
    let fd = cshell_listen(path)
    guard fd >= 0 else { throw .system(call: "bind \(path)", errno: -fd) }
    self.fd = fd
    self.path = path
    self.owner = owner
    inode = Self.inode(path)
  }

  deinit {
    close(fd)
    // The file may be another daemon's by now.
    if Self.inode(path) == inode { unlink(path) }
  }

  private static func inode(_ path: String) -> UInt64 {
    var inode: UInt64 = 0
    return cshell_kind(path, 0, nil, &inode) >= 0 ? inode : 0
  }

  /// Returns the next helper, or nil if none waits.
  /// - Throws: `.stranger` if it runs as neither this user nor root (its connection is closed; others may
  ///   follow), `.system`.
  public func accept() throws(ShellChannelError) -> ShellConnection? {
    let accepted = cshell_accept(fd)
    if accepted == -EAGAIN || accepted == -ECONNABORTED { return nil }
    guard accepted >= 0 else { throw .system(call: "accept", errno: -accepted) }
    let connection = try ShellConnection(fd: accepted)
    guard connection.peerUID == owner || connection.peerUID == 0 else {
      throw .stranger(uid: connection.peerUID, pid: connection.peerPID)
    }
    return connection
  }
}
