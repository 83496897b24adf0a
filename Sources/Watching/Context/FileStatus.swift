import Inputs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The result of stat(2).
struct FileStatus: Hashable {
  enum Kind: Hashable { case file, directory, link, other }

  var kind: Kind
  var isExecutable: Bool
  var size: Int64
  var device: UInt64
  var inode: UInt64
  var links: UInt64
  /// Nanoseconds since 1970: of the contents, and of any change.
  var modified: Int64
  var changed: Int64

  /// nil if nothing exists there, or we may not see it.
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
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
  }

  /// Converts a time; it wraps around after the year 2262. An archive's author chooses its files' times,
  /// and here they are compared only.
  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

/// Returns a symbolic link's target; nil for anything else.
func linkTarget(_ path: String) -> String? {
  withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
    let count = readlink(path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }
}

/// Reads a whole text file; bytes that are not UTF-8 are replaced. No Dockerfile or ignore file needs more than a MiB.
func readText(_ path: String) throws(WatchError) -> String {
  do throws(RegularFile.Failure) { return try RegularFile.text(path, limit: 1 << 20) } catch {
    throw .unread(path, error)
  }
}

func parentDirectory(_ path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
  return String(path[..<slash])
}

/// Makes a path absolute and clean; relative paths begin at the working directory.
func absolutePath(_ path: String) -> String {
  if path.utf8.first == UInt8(ascii: "/") { return cleanPath(path) }
  let buffer = getcwd(nil, 0)
  defer { free(buffer) }
  return cleanPath((buffer.map { String(cString: $0) } ?? "") + "/" + path)
}

extension WatchError {
  /// A file that cannot or must not be read.
  static func unread(_ path: String, _ failure: RegularFile.Failure) -> WatchError {
    switch failure {
    case .missing: .system(path, ENOENT)
    case .system(let code): .system(path, code)
    case .notRegular: WatchError(.system, "it is no regular file", file: path, remedy: "replace it with a file")
    case .tooLarge: WatchError(.system, failure.description, file: path, remedy: "write less into it")
    }
  }

  /// A system call's failure, in the system's words.
  static func system(_ path: String, _ code: Int32) -> WatchError {
    let text = String(cString: strerror(code))
    return code == ENOENT || code == ENOTDIR
      ? WatchError(.missing, "there is no such file or directory", file: path)
      : WatchError(
        .system, text.lowercased(), file: path, remedy: code == EACCES ? "give yourself the right to read it" : "")
  }
}
