import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A path and everything below it, an entry at a time, depth first; links are listed, not followed.
/// Sockets, FIFOs and devices are left out.
final class FileTree {
  struct Entry {
    var kind: FileEntryHead.Kind
    var mode: UInt16 = 0
    var size: UInt64 = 0
    /// Nanoseconds since 1970.
    var modified: Int64 = 0
    /// A link's.
    var target: [UInt8] = []
    /// The errno of an unreadable entry.
    var error: Int32 = 0
  }

  /// PATH_MAX (limits.h).
  private static let pathLimit = 4096

  /// The latest entry's path, terminated by 0.
  private var path: [CChar]
  private let baseLength: Int
  /// Open directories, outermost first, each with its path's length.
  private var levels: [(directory: OpaquePointer, length: Int)] = []
  private var entryCount = 0

  /// nil if the path is not absolute.
  init?(_ absolute: [UInt8]) {
    guard absolute.first == 47, !absolute.contains(0) else { return nil }
    var base = absolute
    while base.last == 47 { base.removeLast() }
    if base.isEmpty { base = [47, 46] }  // "/.", so that names can be put behind a slash
    path = base.map { CChar(bitPattern: $0) } + [0]
    baseLength = base.count
  }

  deinit { close() }

  /// For system calls.
  var latestPath: [CChar] { path }

  /// The latest entry's name below the path; empty for the path itself.
  var latestName: ArraySlice<CChar> { path[min(baseLength + 1, path.count - 1)..<path.count - 1] }

  /// Returns the next entry: the path itself first. Nil at the end, and after `FileEntryHead.maximumEntries`.
  func next() -> Entry? {
    guard entryCount < FileEntryHead.maximumEntries else { return nil }
    entryCount += 1
    if entryCount == 1 { return describe() }
    var name = [UInt8](repeating: 0, count: 255)
    while let level = levels.last {
      let count = clinux_directory_next(level.directory, &name, name.count)
      guard count > 0 else {
        clinux_directory_close(level.directory)
        levels.removeLast()
        continue
      }
      path.removeSubrange(level.length...)
      path.append(47)
      for index in 0..<count { path.append(CChar(bitPattern: name[index])) }
      path.append(0)
      if let entry = describe() { return entry }
    }
    return nil
  }

  /// Describes an entry; nil for one that is left out.
  private func describe() -> Entry? {
    var file = clinux_file()
    let result = path.count > Self.pathLimit ? -clinux_ENOENT : clinux_file_at(path, &file)
    guard result == 0 else { return Entry(kind: .unreadable, error: -result) }
    guard let kind = FileEntryHead.Kind(rawValue: file.kind) else { return nil }
    var entry = Entry(kind: kind, mode: file.mode, modified: file.modified)
    switch kind {
    case .file: entry.size = file.size
    case .link:
      entry.target = [UInt8](repeating: 0, count: Self.pathLimit)
      let count = clinux_file_link(path, &entry.target, entry.target.count)
      guard count >= 0 else { return Entry(kind: .unreadable, mode: file.mode, error: Int32(-count)) }
      entry.target.removeSubrange(count...)
      entry.size = UInt64(count)
    case .directory:
      var directory: OpaquePointer?
      let result = clinux_directory_open(path, &directory)
      guard result == 0, let directory else { return Entry(kind: .unreadable, mode: file.mode, error: -result) }
      levels.append((directory, path.count - 1))
    case .unreadable: break
    }
    return entry
  }

  func close() {
    for level in levels { clinux_directory_close(level.directory) }
    levels = []
  }
}
