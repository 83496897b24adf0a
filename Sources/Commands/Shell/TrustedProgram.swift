import CControl
import ControlAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program that runs as root: no one but root and the user who asks for it may be able to change it.
enum TrustedProgram {
  /// Finds the program behind all links.
  /// - Parameters:
  ///   - path: absolute; links are followed.
  ///   - owners: the users who may own it, and the directories above it.
  ///   - isPrivate: true for a group that has no members but owners; nil asks the system.
  /// - Returns: its real path.
  /// - Throws: `.refused` that names the file or directory that someone else may change.
  static func resolve(
    _ path: String, owners: Set<uid_t> = callers(), isPrivate: ((gid_t) -> Bool)? = nil
  ) throws(ControlError) -> String {
    let isPrivate = isPrivate ?? { PrivateGroup.isPrivate($0, of: owners) }
    guard path.hasPrefix("/"), let resolved = realpath(path, nil) else {
      throw .system("cannot find \(path)", Int(-errno))
    }
    defer { free(resolved) }
    let program = String(cString: resolved)
    var place = program
    while true {
      var found = stat()
      guard lstat(place, &found) == 0 else { throw .system("cannot look at \(place)", Int(-errno)) }
      // In a directory with the sticky bit, other users cannot rename files that are not theirs.
      let isSticky = found.st_mode & S_IFMT == S_IFDIR && found.st_mode & S_ISVTX != 0
      let isGroups = found.st_mode & S_IWGRP != 0
      let isOthers =
        found.st_mode & S_IWOTH != 0 || isGroups && (ccontrol_has_acl(place) != 0 || !isPrivate(found.st_gid))
      guard owners.contains(found.st_uid), !isOthers || isSticky else {
        throw ControlError(
          .refused, "\(program) would run as root, and users other than you and root may change \(place)",
          remedy: "Install devtunnel where only you or root may write; DEVTUNNEL_SHELL_HELPER names another helper.")
      }
      if place == program, found.st_mode & S_IFMT != S_IFREG {
        throw ControlError(.refused, "\(program) is no program")
      }
      guard place != "/", let slash = place.utf8.lastIndex(of: 0x2f) else { return program }
      place = slash == place.startIndex ? "/" : String(place[..<slash])
    }
  }

  /// Returns root, this user, and for root by sudo(8) the user who called it.
  static func callers() -> Set<uid_t> {
    let sudo = geteuid() == 0 ? getenv("SUDO_UID").flatMap { uid_t(String(cString: $0)) } : nil
    return Set([0, getuid(), sudo].compactMap { $0 })
  }
}
