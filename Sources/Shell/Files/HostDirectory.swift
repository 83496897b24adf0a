import CLinux

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A directory of the host, held by its descriptor. Everything in it is made, replaced and removed by
/// one name at a time, and links are never followed: no name from a cluster, and no concurrent change
/// of the tree, can touch anything outside.
final class HostDirectory: Sendable {
  enum Kind: Sendable, Hashable { case file, directory, link, other }

  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  /// - Parameter path: one of our own, not a cluster's. Its last part must be a directory and no link.
  static func open(_ path: String) throws(HostFileError) -> HostDirectory {
    let opened = systemOpen(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard opened >= 0 else { throw error(errno, "cannot open the directory \(path)") }
    return HostDirectory(descriptor: opened)
  }

  // MARK: Directories in it

  /// Opens a directory in it.
  func directory(_ name: FileName) throws(HostFileError) -> HostDirectory {
    let opened = name.withPointer { clinux_open_beneath(descriptor, $0, O_RDONLY | O_DIRECTORY, 0) }
    guard opened >= 0 else {
      let isLink = kind(name) == .link
      throw Self.error(
        -opened, isLink ? "'\(name)' is a link, and is not followed" : "cannot open the directory '\(name)'")
    }
    return HostDirectory(descriptor: opened)
  }

  /// Opens a directory in it, made with mode 0700 if missing.
  func making(_ name: FileName) throws(HostFileError) -> HostDirectory {
    let made = name.withPointer { mkdirat(descriptor, $0, 0o700) }
    guard made == 0 || errno == EEXIST else { throw Self.error(errno, "cannot make the directory '\(name)'") }
    return try directory(name)
  }

  /// Opens the directory that the names form a path to; missing ones are made.
  func making(_ names: some Sequence<FileName>) throws(HostFileError) -> HostDirectory {
    var place = self
    for name in names { place = try place.making(name) }
    return place
  }

  // MARK: Entries

  /// Returns an entry's kind; nil if it does not exist.
  func kind(_ name: FileName) -> Kind? {
    var status = stat()
    guard name.withPointer({ fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    case S_IFLNK: return .link
    default: return .other
    }
  }

  /// Returns the names of all entries, in no order.
  func names() throws(HostFileError) -> [FileName] {
    // Use another descriptor: a second listing by the same one would continue where the first ended.
    let opened = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0, let stream = fdopendir(opened) else { throw Self.error(errno, "cannot list a directory") }
    defer { closedir(stream) }
    var names: [FileName] = []
    while let entry = readdir(stream) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if let name = try? FileName(bytes) { names.append(name) }
    }
    return names
  }

  /// Makes a file; none of that name may exist.
  func make(_ name: FileName, _ bytes: some Collection<UInt8>, mode: mode_t) throws(HostFileError) {
    let opened = name.withPointer { clinux_open_beneath(descriptor, $0, O_WRONLY | O_CREAT | O_EXCL, mode) }
    guard opened >= 0 else { throw Self.error(-opened, "cannot make the file '\(name)'") }
    defer { close(opened) }
    // The umask may have cleared bits.
    fchmod(opened, mode)
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { clinux_write(opened, $0.baseAddress, $0.count) }
      guard count > 0 else {
        throw Self.error(count < 0 ? Int32(clamping: -count) : ENOSPC, "cannot write the file '\(name)'")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Makes or replaces a file; a reader sees the old or the new one, whole.
  func replace(_ name: FileName, _ bytes: some Collection<UInt8>, mode: mode_t) throws(HostFileError) {
    let fresh = try FileName(name.bytes.prefix(200) + Array(".devtunnel-new".utf8))
    try? unlink(fresh)
    try make(fresh, bytes, mode: mode)
    do throws(HostFileError) { try move(fresh, to: self, as: name) } catch {
      try? unlink(fresh)
      throw error
    }
  }

  /// - Parameter target: is written, not followed.
  func link(_ name: FileName, to target: [UInt8]) throws(HostFileError) {
    let made = name.withPointer { name in
      (target + [0]).withUnsafeBytes {
        symlinkat($0.baseAddress!.assumingMemoryBound(to: CChar.self), descriptor, name)
      }
    }
    guard made == 0 else { throw Self.error(errno, "cannot make the link '\(name)'") }
  }

  /// Moves an entry to another directory, over a file, a link or an empty directory of the new name.
  func move(_ name: FileName, to other: HostDirectory, as new: FileName) throws(HostFileError) {
    let moved = name.withPointer { old in new.withPointer { renameat(descriptor, old, other.descriptor, $0) } }
    guard moved == 0 else { throw Self.error(errno, "cannot put '\(new)' in its place") }
  }

  private func unlink(_ name: FileName) throws(HostFileError) {
    guard name.withPointer({ unlinkat(descriptor, $0, 0) }) == 0 else {
      throw Self.error(errno, "cannot remove '\(name)'")
    }
  }

  /// Removes a file, a link, or a directory with its contents.
  func remove(_ name: FileName) throws(HostFileError) {
    guard kind(name) == .directory else { return try unlink(name) }
    try directory(name).empty()
    guard name.withPointer({ unlinkat(descriptor, $0, AT_REMOVEDIR) }) == 0 else {
      throw Self.error(errno, "cannot remove '\(name)'")
    }
  }

  /// Removes everything in it, as far as possible. Directories in directories are moved up here first:
  /// two descriptors suffice at any depth.
  func empty() {
    var number = 0
    while let names = try? names(), !names.isEmpty {
      var removed = 0
      for name in names {
        if kind(name) == .directory, let inner = try? directory(name) {
          for entry in (try? inner.names()) ?? [] where (try? inner.unlink(entry)) == nil {
            number += 1
            while let up = try? FileName("\(number).devtunnel-gone"), (try? inner.move(entry, to: self, as: up)) == nil,
              kind(up) != nil
            { number += 1 }
          }
          if name.withPointer({ unlinkat(descriptor, $0, AT_REMOVEDIR) }) == 0 { removed += 1 }
        } else if (try? unlink(name)) != nil {
          removed += 1
        }
      }
      guard removed > 0 else { return }
    }
  }

  /// Returns the space that the file system has left for this user.
  func space() -> (bytes: UInt64, files: UInt64) {
    var status = statvfs()
    guard fstatvfs(descriptor, &status) == 0 else { return (0, 0) }
    let (bytes, overflow) = UInt64(clamping: status.f_bavail).multipliedReportingOverflow(
      by: UInt64(clamping: status.f_frsize))
    // Some file systems make inodes as they go, and report none.
    return (overflow ? .max : bytes, status.f_files == 0 ? .max : UInt64(clamping: status.f_favail))
  }

  private static func error(_ code: Int32, _ what: String) -> HostFileError {
    var error = HostFileError("\(what): \(String(cString: strerror(code)))")
    error.code = code
    return error
  }
}

// `HostDirectory.open` hides the system call's name.
private func systemOpen(_ path: String, _ flags: Int32) -> Int32 { open(path, flags) }
