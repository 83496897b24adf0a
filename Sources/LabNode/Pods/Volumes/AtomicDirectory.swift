import Glibc

/// A file of a volume. Its path may have directories.
struct VolumeFile: Sendable, Equatable {
  var path: String
  var bytes: [UInt8]
  var mode: UInt32
}

/// A directory whose files change all at once, as the kubelet does it: the names are symlinks through `..data`, which
/// one rename turns to a new directory. Programs watch `..data`; a reader sees the old files or the new ones, never a
/// mixture.
struct AtomicDirectory: Sendable {
  let path: String
  /// The group that gets to read, where the Pod has an `fsGroup`.
  var group: UInt32?

  /// Writes the files; the same files again change nothing.
  /// - Returns: whether anything changed.
  @discardableResult
  func write(_ files: [VolumeFile]) throws -> Bool {
    try Files.makeDirectory(path)
    let current = target
    if let current, current.isEmpty == false, holds(files, in: path + "/" + current) { return false }
    let fresh = "..\(Timestamp.nanoseconds().replacing(":", with: "_"))"
    try Files.makeDirectory(path + "/" + fresh)
    for file in files {
      let target = path + "/" + fresh + "/" + file.path
      if let slash = target.lastIndex(of: "/") { try Files.makeDirectory(String(target[..<slash])) }
      try Files.write(file.bytes, to: target, mode: group == nil ? file.mode : file.mode | 0o040)
      if let group { chown(target, uid_t.max, group) }
    }
    unlink(path + "/..data_tmp")
    guard symlink(fresh, path + "/..data_tmp") == 0, rename(path + "/..data_tmp", path + "/..data") == 0 else {
      throw LabNodeError(.systemCall, "cannot turn \(path)/..data to its new files: \(Files.reason(errno))")
    }
    let tops = Set(files.compactMap { $0.path.split(separator: "/").first.map(String.init) })
    for top in tops where !Files.isSymlink(path + "/" + top) { symlink("..data/" + top, path + "/" + top) }
    for name in Files.names(in: path) where !name.hasPrefix("..") && !tops.contains(name) { unlink(path + "/" + name) }
    if let current { Files.remove(path + "/" + current) }
    return true
  }

  private var target: String? { Files.link(path + "/..data") }

  private func holds(_ files: [VolumeFile], in directory: String) -> Bool {
    let tops = Set(files.compactMap { $0.path.split(separator: "/").first.map(String.init) })
    return Set(Files.names(in: directory)) == tops
      && files.allSatisfy { Files.read(directory + "/" + $0.path) == $0.bytes }
  }
}
