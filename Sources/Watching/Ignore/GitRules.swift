import Inputs

/// The lines of .gitignore files, outermost file first (gitignore(5)): the last match wins, and everything in an
/// ignored directory stays ignored.
struct GitRules: Sendable, Hashable {
  private struct Rule: Sendable, Hashable {
    /// Matches paths relative to the topmost directory.
    var glob: Glob
    var isException: Bool
    var directoriesOnly: Bool
  }

  /// The prefix that makes paths relative to the topmost directory: "", or "services/user/".
  private let prefix: String
  private var rules: [Rule] = []

  init(prefix: String = "") { self.prefix = prefix }

  /// - Parameter directory: the file's directory, relative to the topmost one.
  mutating func append(_ text: String, in directory: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      guard var pattern = Self.stripped(line), !pattern.hasPrefix("#") else { continue }
      let isException = pattern.hasPrefix("!")
      if isException { pattern = pattern.dropFirst() }
      let directoriesOnly = pattern.hasSuffix("/")
      if directoriesOnly { pattern = pattern.dropLast() }
      let isAnchored = pattern.contains("/")
      if pattern.hasPrefix("/") { pattern = pattern.dropFirst() }
      // Git has no errors here: a malformed pattern matches nothing.
      guard !pattern.isEmpty, var glob = Glob(pattern, .git) else { continue }
      if !isAnchored { glob = glob.anywhere }
      if !directory.isEmpty { glob = glob.below(directory) }
      rules.append(Rule(glob: glob, isException: isException, directoriesOnly: directoriesOnly))
    }
  }

  /// Returns the line without trailing spaces, unless a backslash keeps them.
  private static func stripped(_ line: Substring) -> Substring? {
    var line = line
    while line.hasSuffix(" "), !line.hasSuffix("\\ ") { line.removeLast() }
    return line.isEmpty ? nil : line
  }

  func ignores(_ path: UnsafeBufferPointer<UInt8>, isDirectory: Bool) -> Bool {
    prefix.isEmpty
      ? ignoresFull(path, from: 0, isDirectory: isDirectory)
      : (prefix + String(decoding: path, as: UTF8.self)).withBytes {
        ignoresFull($0, from: prefix.utf8.count, isDirectory: isDirectory)
      }
  }

  private func ignoresFull(_ path: UnsafeBufferPointer<UInt8>, from start: Int, isDirectory: Bool) -> Bool {
    for index in path.indices.dropFirst(start) where path[index] == UInt8(ascii: "/") {
      if ignoresEntry(UnsafeBufferPointer(rebasing: path[..<index]), isDirectory: true) { return true }
    }
    return ignoresEntry(path, isDirectory: isDirectory)
  }

  private func ignoresEntry(_ path: UnsafeBufferPointer<UInt8>, isDirectory: Bool) -> Bool {
    for rule in rules.reversed() where isDirectory || !rule.directoriesOnly {
      if rule.glob.matches(path) { return !rule.isException }
    }
    return false
  }
}
