import Inputs

/// The lines of a .dockerignore, evaluated as moby/patternmatcher does.
struct DockerRules: Sendable, Hashable {
  private struct Rule: Sendable, Hashable {
    var glob: Glob
    /// `!`: the pattern is an exception.
    var isException: Bool
  }

  private var rules: [Rule] = []

  init(_ text: String, file: String) throws(WatchError) {
    // A byte order mark is no part of the first pattern.
    let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      guard !line.hasPrefix("#") else { continue }
      var pattern = line.trimmed
      guard !pattern.isEmpty else { continue }
      let isException = pattern.hasPrefix("!")
      if isException { pattern = pattern.dropFirst().trimmed }
      guard !pattern.isEmpty else { throw Self.bad("'!' needs a pattern behind it", file, index) }
      // The root itself is no entry of the context.
      let clean = cleanPath(pattern)
      guard let glob = Glob(clean.hasPrefix("/") && clean.count > 1 ? String(clean.dropFirst()) : clean, .docker) else {
        throw Self.bad("'\(pattern)' is not a pattern", file, index)
      }
      rules.append(Rule(glob: glob, isException: isException))
    }
  }

  private static func bad(_ message: String, _ file: String, _ index: Int) -> WatchError {
    WatchError(
      .syntax, message, file: file, line: index + 1,
      remedy: "write patterns as Go's filepath.Match has them: *, ?, [a-z], \\ before a literal one, and **")
  }

  func ignores(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
    var ignored = false
    for rule in rules where rule.isException == ignored {
      if rule.glob.matchesPathOrParent(path) { ignored = !ignored }
    }
    return ignored
  }

  func ignoresAll(in directory: UnsafeBufferPointer<UInt8>) -> Bool {
    ignores(directory) && !rules.contains { $0.isException && $0.glob.mayMatch(below: directory) }
  }
}

extension StringProtocol {
  /// The text without white space at both ends.
  var trimmed: SubSequence {
    var rest = self[...]
    while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
    while let last = rest.last, last.isWhitespace { rest = rest[..<rest.index(before: rest.endIndex)] }
    return rest
  }
}

/// Returns the names between a path's slashes, by its bytes: with a combining mark behind it, a slash is part of
/// another `Character`, but the kernel sees it.
func pathParts(_ path: some StringProtocol) -> [String] {
  path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
}

/// Cleans a path like Go's path.Clean: no `.`, no empty part, no `..` that can be resolved; "." if nothing is left.
func cleanPath(_ path: some StringProtocol) -> String {
  let isAbsolute = path.utf8.first == UInt8(ascii: "/")
  var parts: [String] = []
  for part in pathParts(path) where part != "." {
    if part == "..", let last = parts.last, last != ".." {
      parts.removeLast()
    } else if part != ".." || !isAbsolute {
      parts.append(part)
    }
  }
  let joined = parts.joined(separator: "/")
  return isAbsolute ? "/" + joined : (joined.isEmpty ? "." : joined)
}
