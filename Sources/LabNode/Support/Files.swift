import Glibc

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The few file operations the node needs, with errors that name the path.
enum Files {
  static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isDirectory(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
  }

  static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw LabNodeError(.systemCall, "cannot make the directory \(path): \(error)")
    }
    chmod(path, mode)
  }

  /// Returns a symlink's target, nil for anything else.
  static func link(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// Writes the whole file at once, with exactly these permissions, whatever the umask.
  static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: UInt32 = 0o644) throws {
    do { try Data(bytes).write(to: URL(fileURLWithPath: path)) } catch {
      throw LabNodeError(.systemCall, "cannot write \(path): \(error)")
    }
    chmod(path, mode)
  }

  static func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
    try write(text.utf8, to: path, mode: mode)
  }

  /// A file without a name that holds the text, at its beginning; /dev/null for none.
  /// - Returns: its descriptor, closed on exec, which is the caller's to close.
  static func unnamed(_ text: String) throws -> Int32 {
    if text.isEmpty { return open("/dev/null", O_RDONLY | O_CLOEXEC) }
    let path = FileManager.default.temporaryDirectory.path + "/devtunnel-input-" + UUID().uuidString
    let fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw LabNodeError(.systemCall, "\(path) cannot be made: errno \(errno)") }
    unlink(path)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
      if count > 0 {
        rest.removeFirst(count)
      } else if errno != EINTR {
        let code = errno
        close(fd)
        throw LabNodeError(.systemCall, "a file of \(text.utf8.count) bytes cannot be written: errno \(code)")
      }
    }
    lseek(fd, 0, SEEK_SET)
    return fd
  }

  /// Reads a file of the node's own to its end. Files of /proc have no size, and there a short read is not the end:
  /// Foundation takes it for one.
  static func read(_ path: String) -> [UInt8]? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    return read(descriptor: fd, limit: .max)
  }

  /// Reads from a descriptor to the end; nil if there is more than the limit.
  static func read(descriptor: Int32, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &part, part.count)
      if count == 0 { return bytes }
      if count > 0 {
        guard count <= limit - bytes.count else { return nil }
        bytes += part[..<count]
      } else if errno != EINTR {
        return nil
      }
    }
  }

  /// Returns the first bytes of a file, however long it is.
  static func beginning(of path: String, _ limit: Int) -> [UInt8] { piece(of: path, limit) { _ in 0 } }

  /// Returns the last bytes of a file, however long it is.
  static func end(of path: String, _ limit: Int) -> [UInt8] { piece(of: path, limit) { max(0, $0 - limit) } }

  private static func piece(of path: String, _ limit: Int, from start: (Int) -> Int) -> [UInt8] {
    let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard fd >= 0 else { return [] }
    defer { close(fd) }
    let offset = start(Int(lseek(fd, 0, SEEK_END)))
    return [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      count = max(0, pread(fd, buffer.baseAddress, buffer.count, offset))
    }
  }

  static func readText(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

  /// Removes a tree; an absent one is fine.
  static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  static func names(in directory: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  }

  /// The path with every symlink followed, nil where something on the way is absent.
  static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// The error number's text.
  static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}

extension String {
  var trimmed: String {
    let end = lastIndex { !$0.isWhitespace }.map(index(after:)) ?? startIndex
    return String(self[..<end].drop(while: \.isWhitespace))
  }

  /// The text with every occurrence of `old` replaced, without full Foundation.
  func replacing(_ old: Character, with new: String) -> String { map { $0 == old ? new : String($0) }.joined() }
}
