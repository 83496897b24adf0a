import Inputs

/// A source of a COPY or ADD that brings files of the context into the image.
struct DockerfileCopy: Sendable, Hashable {
  /// As in `DockerfileSources.paths`.
  var source: String
  /// Absolute, or relative to the working directory of the image; "" is that directory. nil: it is not known here, or
  /// the instruction does more than to copy.
  var destination: String?
  /// True if the destination is a directory, so that a file keeps its name in it.
  var isIntoDirectory = false
  /// True if a file keeps its whole path (`--parents`).
  var keepsPath = false
  /// True for ADD, which unpacks archives.
  var unpacks = false

  enum Result: Hashable {
    /// It does not copy the file.
    case none
    case unknown
    case path(String)
  }

  /// Returns the place of a file of the context in the image.
  /// - Parameter path: relative to the context, cleaned.
  func result(for path: String) -> Result {
    guard let match = match(path) else { return .none }
    guard let destination, !(unpacks && match.isWhole && Self.isArchive(path)) else { return .unknown }
    if keepsPath { return Self.joined(destination, path) }
    guard match.isWhole else { return Self.joined(destination, match.rest) }
    if isIntoDirectory { return Self.joined(destination, match.rest) }
    // Several files that match would need a directory, so one file may be meant.
    return source.contains { "*?[\\".contains($0) } ? .unknown : .path(destination)
  }

  /// - Returns: the part of the path that is kept: below a directory, or a file's name. nil: it is not copied.
  private func match(_ path: String) -> (rest: String, isWhole: Bool)? {
    if source == "." { return (path, false) }
    let glob = Glob(source, .docker) ?? Glob(literal: source)
    let parts = pathParts(path)
    for count in parts.indices.map({ $0 + 1 }) where glob.matches(parts[..<count].joined(separator: "/")) {
      let isWhole = count == parts.count
      return (isWhole ? String(parts[count - 1]) : parts[count...].joined(separator: "/"), isWhole)
    }
    return nil
  }

  private static func joined(_ directory: String, _ path: String) -> Result {
    .path(directory.isEmpty ? path : directory == "/" ? "/" + path : directory + "/" + path)
  }

  private static func isArchive(_ path: String) -> Bool {
    [".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".txz", ".tbz2"].contains { path.lowercased().hasSuffix($0) }
  }

  /// Returns a path of an instruction, seen from a directory of the image.
  /// - Parameter directory: absolute, or relative to the working directory of the base image; nil: not known.
  static func place(_ path: String, in directory: String?) -> String? {
    if path.utf8.first == UInt8(ascii: "/") { return cleanPath(path) }
    guard let directory else { return nil }
    if directory.utf8.first == UInt8(ascii: "/") { return cleanPath(directory + "/" + path) }
    guard !pathParts(path).contains("..") else { return nil }
    let place = sourcePath(directory + "/" + path)
    return place == "." ? "" : place
  }
}
