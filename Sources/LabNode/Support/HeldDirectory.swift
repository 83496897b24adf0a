import CLinux
import Glibc

/// A directory of the node that is held by its descriptor. Its entries are opened, made and removed by one name at a
/// time, and links are never followed: no name from a manifest, and no link that a container makes meanwhile, leads out
/// of it.
final class HeldDirectory: Sendable {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  /// Opens a directory of the node's own.
  /// - Parameter path: a path of the node's own. Its last part must be a directory and no link.
  static func open(_ path: String) throws -> HeldDirectory {
    let opened = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard opened >= 0 else { throw error("open the directory \(path)", errno) }
    return HeldDirectory(descriptor: opened)
  }

  // MARK: Directories in it

  func directory(_ name: String) throws -> HeldDirectory {
    HeldDirectory(descriptor: try opened(name, O_RDONLY | O_DIRECTORY))
  }

  /// Opens a directory in it, and makes it first where it is missing.
  func making(_ name: String) throws -> HeldDirectory {
    try Self.check(name)
    guard mkdirat(descriptor, name, 0o755) == 0 || errno == EEXIST else {
      throw Self.error("make the directory \(name)", errno)
    }
    return try directory(name)
  }

  func making(_ names: some Sequence<String>) throws -> HeldDirectory {
    var place = self
    for name in names { place = try place.making(name) }
    return place
  }

  // MARK: Entries

  /// Returns true if the name is a symbolic link's.
  func isLink(_ name: String) -> Bool { kind(name) == S_IFLNK }

  private func kind(_ name: String) -> mode_t? {
    var information = stat()
    guard EntryName.isOne(name), fstatat(descriptor, name, &information, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    return information.st_mode & S_IFMT
  }

  /// Returns a link's target, as it stands there; nil for anything else.
  func link(_ name: String) -> String? {
    guard EntryName.isOne(name) else { return nil }
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = readlinkat(descriptor, name, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// Returns the names of its entries, in no order.
  func names() -> [String] {
    // Another descriptor: a second listing by the same one would continue where the first ended.
    let opened = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { return [] }
    guard let stream = fdopendir(opened) else {
      close(opened)
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Reads a regular file; nil for anything else, and for one with more bytes than the limit.
  func read(_ name: String, limit: Int) -> [UInt8]? {
    guard kind(name) == S_IFREG, let file = try? opened(name, O_RDONLY) else { return nil }
    defer { close(file) }
    return Files.read(descriptor: file, limit: limit)
  }

  /// Makes a file with exactly these permissions; none of that name may exist.
  func make(_ name: String, _ bytes: [UInt8], mode: UInt32, group: UInt32?) throws {
    let file = try opened(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    defer { close(file) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw Self.error("write the file \(name)", errno)
      }
    }
    if let group { fchown(file, uid_t.max, group) }
    fchmod(file, mode)
  }

  /// Makes a link.
  /// - Parameter target: is written, not followed.
  func makeLink(_ name: String, to target: String) throws {
    try Self.check(name)
    guard symlinkat(target, descriptor, name) == 0 else { throw Self.error("make the link \(name)", errno) }
  }

  /// Gives an entry another name; a file or a link of that name is replaced.
  func rename(_ old: String, to new: String) throws {
    try Self.check(old)
    try Self.check(new)
    guard renameat(descriptor, old, descriptor, new) == 0 else { throw Self.error("put \(new) in its place", errno) }
  }

  /// Removes a file or a link; an absent one is fine, and a directory stays.
  func unlink(_ name: String) { if EntryName.isOne(name) { unlinkat(descriptor, name, 0) } }

  /// Removes a file, a link, or a directory with what is in it, as far as it can.
  /// - Parameter depth: deeper directories stay.
  func remove(_ name: String, depth: Int = 100) {
    guard kind(name) == S_IFDIR else { return unlink(name) }
    if depth > 0, let inner = try? directory(name) {
      for entry in inner.names() { inner.remove(entry, depth: depth - 1) }
    }
    unlinkat(descriptor, name, AT_REMOVEDIR)
  }

  // MARK: System calls

  private func opened(_ name: String, _ flags: Int32, mode: UInt32 = 0) throws -> Int32 {
    try Self.check(name)
    let opened = clinux_open_beneath(descriptor, name, flags, mode)
    guard opened >= 0 else { throw Self.error("open \(name)", -opened) }
    return opened
  }

  private static func check(_ name: String) throws {
    guard EntryName.isOne(name) else { throw LabNodeError(.systemCall, "\"\(name)\" is no name of a file") }
  }

  private static func error(_ what: String, _ code: Int32) -> LabNodeError {
    LabNodeError(.systemCall, "cannot \(what): \(Files.reason(code))")
  }
}
