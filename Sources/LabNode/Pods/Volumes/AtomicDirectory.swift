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
    var named: [(parts: [String], file: VolumeFile)] = []
    // Of two files at one path the last counts.
    let last = Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    for file in last.values.sorted(by: { $0.path < $1.path }) {
      guard let parts = EntryName.parts(of: file.path), !parts.isEmpty else {
        throw LabNodeError(.volume, "\(file.path) is no path of a file in a volume")
      }
      named.append((parts, file))
    }
    let tops = Set(named.map { $0.parts[0] })
    try Files.makeDirectory(path)
    let directory = try HeldDirectory.open(path)
    // A container that could write here may have made the link: only a name of this directory counts.
    let current = directory.link("..data").flatMap { EntryName.isOne($0) ? $0 : nil }
    if let current, let old = try? directory.directory(current), holds(named, tops, in: old) { return false }
    let fresh = "..\(Timestamp.nanoseconds().replacing(":", with: "_"))"
    let data = try directory.making(fresh)
    for (parts, file) in named {
      let place = try data.making(parts.dropLast())
      let mode = group == nil ? file.mode : file.mode | 0o040
      try place.make(parts[parts.count - 1], file.bytes, mode: mode, group: group)
    }
    directory.unlink("..data_tmp")
    try directory.makeLink("..data_tmp", to: fresh)
    try directory.rename("..data_tmp", to: "..data")
    for top in tops where !directory.isLink(top) { try? directory.makeLink(top, to: "..data/" + top) }
    for name in directory.names() where !name.utf8.starts(with: "..".utf8) && !tops.contains(name) {
      directory.unlink(name)
    }
    if let current { directory.remove(current) }
    return true
  }

  private func holds(_ files: [(parts: [String], file: VolumeFile)], _ tops: Set<String>, in directory: HeldDirectory)
    -> Bool
  {
    Set(directory.names()) == tops
      && files.allSatisfy { parts, file in
        var place = directory
        for part in parts.dropLast() {
          guard let next = try? place.directory(part) else { return false }
          place = next
        }
        return place.read(parts[parts.count - 1], limit: file.bytes.count) == file.bytes
      }
  }
}
