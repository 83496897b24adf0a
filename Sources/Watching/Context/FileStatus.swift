#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What stat(2) says.
struct FileStatus: Hashable {
  enum Kind: Hashable { case file, directory, link, other }

  var kind: Kind
  var isExecutable: Bool
  var size: Int64
  var device: UInt64
  var inode: UInt64
  var links: UInt64
  /// Nanoseconds since 1970: of the contents, and of anything about the file.
  var modified: Int64
  var changed: Int64

  /// nil where there is nothing, or nothing that we may see.
  init?(_ path: String, followsLink: Bool = false) {
    var status = stat()
    guard (followsLink ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      case S_IFLNK: .link
      default: .other
      }
    isExecutable = status.st_mode & 0o111 != 0
    size = Int64(status.st_size)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    links = UInt64(status.st_nlink)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
  }
}

/// A symbolic link's target; nil for anything else.
func linkTarget(_ path: String) -> String? {
  withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
    let count = readlink(path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }
}

/// A text file whole; bytes that are no UTF-8 are replaced.
func readText(_ path: String) throws(WatchError) -> String {
  var bytes: [UInt8] = []
  try readFile(path) { bytes += $0 }
  return String(decoding: bytes, as: UTF8.self)
}

/// Calls with one piece after the other.
func readFile(_ path: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(WatchError) {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
  guard descriptor >= 0 else { throw .system(path, errno) }
  defer { close(descriptor) }
  let code = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : 0 }
      body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      // A short read of a file is its end.
      if count < buffer.count { return 0 }
    }
  }
  if code != 0 { throw .system(path, code) }
}

func parentDirectory(_ path: String) -> String {
  guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
  return String(path[..<slash])
}

/// Absolute and cleaned; relative paths are the working directory's.
func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return cleanPath(path) }
  let buffer = getcwd(nil, 0)
  defer { free(buffer) }
  return cleanPath((buffer.map { String(cString: $0) } ?? "") + "/" + path)
}

extension WatchError {
  /// A system call's failure, in the system's words.
  static func system(_ path: String, _ code: Int32) -> WatchError {
    let text = String(cString: strerror(code))
    return code == ENOENT || code == ENOTDIR
      ? WatchError(.missing, "there is no such file or directory", file: path)
      : WatchError(.system, text.lowercased(), file: path, remedy: code == EACCES ? "give yourself the right to read it" : "")
  }
}
