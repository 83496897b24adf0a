import CControl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

package enum ControlSocket {
  /// The longest line of the daemon: an exchange with two bodies of 1 MiB.
  private static let lineLimit = 16 << 20

  /// Connects.
  /// - Returns: nil if nothing listens: there is no file, or a killed daemon left it.
  /// - Throws: `.forbidden` if another user's process listens.
  package static func connectIfListening(_ path: String, uid: UInt32 = geteuid()) throws(ControlError)
    -> LineConnection?
  {
    let fd = ccontrol_connect(path)
    if fd == -ENOENT || fd == -ECONNREFUSED { return nil }
    guard fd >= 0 else {
      let remedy: String? =
        switch fd {
        case -ENAMETOOLONG: "set XDG_RUNTIME_DIR to a shorter path"
        case -EACCES:
          "another user's file or folder is in its place: remove it, or set XDG_RUNTIME_DIR to a directory of your own"
        default: nil
        }
      throw .system("cannot connect to the daemon at \(path)", Int(fd), remedy: remedy)
    }
    do {
      try PeerCredentials.require(uid: uid, of: fd)
    } catch {
      ccontrol_close(fd)
      throw error
    }
    return try LineConnection(fd, limit: lineLimit)
  }
}
