@testable import Inputs

extension Harness {
  /// A pattern, and behind the line of `---` a path.
  static let globs = Harness(
    name: "globs", maximumLength: 1024, usualLength: 64,
    dictionary: [
      "**", "**/", "*", "?", "[a-z]", "[!a]", "[^a]", "[[:alpha:]]", "{", ",", "}", "\\", "\n---\n", "a/b/c", "/", "(",
      ")", "|", "+", "^", "$",
    ]
  ) { bytes in
    let (pattern, path) = halves(bytes)
    for dialect in [Glob.Dialect.docker, .git, .doublestar] {
      guard let glob = Glob(pattern, dialect) else { continue }
      let matches = glob.matches(path)
      let parents = path.utf8.indices.filter { path.utf8[$0] == UInt8(ascii: "/") }.prefix(100)
      if parents.count < 100 {
        let matchesAbove = parents.contains { glob.matches(String(decoding: path.utf8[..<$0], as: UTF8.self)) }
        try promise(
          path.withBytes { glob.matchesPathOrParent($0) } == (matches || matchesAbove), "the parents are others")
      }
      if matches, !path.hasPrefix("/") {
        try promise(glob.anywhere.matches(path), "it matches, and nowhere")
        try promise(glob.below("d").matches("d/" + path), "below a directory it does not match")
      }
      if matches, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
        let directory = String(path[..<slash])
        try promise(
          directory.withBytes { glob.mayMatch(below: $0) }, "nothing below \(directory) matches, and \(path) does")
      }
    }
    try promise(Glob(literal: path).matches(path), "a path does not match itself")
    if let expression = Expression(pattern) { _ = expression.matches(path) }
  }
}
