import Inputs

/// The paths below a directory that count: those that a source names and no rule ignores.
struct Selection: Sendable, Hashable {
  /// nil: everything.
  private let globs: [Glob]?
  private let ignore: IgnoreRules

  /// - Parameter sources: see `DockerfileSources.paths`. A text that is not a pattern is taken literally.
  init(sources: [String], ignore: IgnoreRules) {
    globs = sources.contains(".") ? nil : sources.map { Glob($0, .docker) ?? Glob(literal: $0) }
    self.ignore = ignore
  }

  func includes(_ file: String) -> Bool {
    file.withBytes { path in
      guard globs?.contains(where: { $0.matchesPathOrParent(path) }) ?? true else { return false }
      let name = UnsafeBufferPointer(rebasing: path[((path.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...])
      return !EditorNoise.contains(name) && !ignore.ignores(path, isDirectory: false)
    }
  }

  /// Checks whether something selected may be in a directory; "" is the root.
  func mayInclude(in directory: String) -> Bool {
    directory.isEmpty
      || directory.withBytes { path in
        (globs?.contains { $0.matchesPathOrParent(path) || $0.mayMatch(below: path) } ?? true)
          && !ignore.ignoresAll(in: path)
      }
  }

  /// Checks whether the directory itself is selected, even if empty.
  func includes(directory: String) -> Bool {
    directory.withBytes { path in
      (globs?.contains { $0.matchesPathOrParent(path) } ?? true) && !ignore.ignores(path, isDirectory: true)
    }
  }
}
