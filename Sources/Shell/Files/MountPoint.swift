#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where a volume may stand at its own path in a shell: where nothing of the host's is, and where nothing of the host's would be hidden.
enum MountPoint {
  /// Why a path cannot be one; nil where it can.
  static func obstacle(_ path: String) -> String? {
    var status = stat()
    if lstat(path, &status) == 0 { return "\(path) is this machine's" }
    var parent = path
    repeat {
      parent = "/" + parent.split(separator: "/").dropLast().joined(separator: "/")
    } while parent != "/" && lstat(parent, &status) != 0
    // The folder is built anew inside: files that the command makes there would be the shell's alone.
    if geteuid() != 0, access(parent, W_OK) == 0 { return "\(parent) is yours to write to" }
    return nil
  }
}
