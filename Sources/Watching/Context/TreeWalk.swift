#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reads a directory and those below it, parents first. Links are not followed; entries that vanish
/// meanwhile are skipped.
/// - Parameters:
///   - enter: called for each directory, the root ("") included, *before* it is read: false skips it
///     and everything below it.
///   - wantsFiles: false if `file` need not be called.
///   - file: called for everything else, in no order.
/// - Returns: directories that could not be read, with the reason (errno).
func walkTree(
  _ root: String, from start: String = "", wantsFiles: Bool = true, enter: (_ relative: String) -> Bool,
  file: (_ relative: String, _ kind: FileStatus.Kind) -> Void
) -> [(directory: String, code: Int32)] {
  var failures: [(String, Int32)] = []
  // A stack of our own: a tree may be deeper than a thread's stack allows.
  var open = [start]
  while let directory = open.popLast() {
    guard enter(directory) else { continue }
    let path = directory.isEmpty ? root : root + "/" + directory
    let prefix = directory.isEmpty ? "" : directory + "/"
    let code = readEntries(path, wantsFiles: wantsFiles) { name, kind in
      if kind == .directory { open.append(prefix + name) } else { file(prefix + name, kind) }
    }
    if code != 0, code != ENOENT, code != ENOTDIR { failures.append((path, code)) }
  }
  return failures
}

/// - Returns: 0, or errno.
private func readEntries(_ path: String, wantsFiles: Bool, _ body: (String, FileStatus.Kind) -> Void) -> Int32 {
  guard let stream = opendir(path) else { return errno }
  defer { closedir(stream) }
  while let entry = readdir(stream) {
    let kind: FileStatus.Kind? =
      switch Int(entry.pointee.d_type) {
      case Int(DT_DIR): .directory
      case Int(DT_REG): .file
      case Int(DT_LNK): .link
      case Int(DT_UNKNOWN): nil
      default: .other
      }
    guard wantsFiles || kind == nil || kind == .directory else { continue }
    // Not through the field, which would copy its 256 bytes.
    let name = String(cString: UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self))
    guard name != ".", name != ".." else { continue }
    // Some file systems do not report an entry's kind.
    guard let known = kind ?? FileStatus(path + "/" + name)?.kind else { continue }
    body(name, known)
  }
  return 0
}

private let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name)!
