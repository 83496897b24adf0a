import Inputs

/// Globs as Skaffold expands them (Go's filepath.Glob: `*`, `?`, `[a-z]`, `\`), and `**` for any number of directories.
enum Glob {
  /// More directories belong to a pattern than anybody searches for manifests.
  struct TooMany: Error, Hashable {
    let limit: Int
  }

  static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }

  /// Returns the files that match an absolute pattern, sorted; directories that match give the files below them.
  /// - Parameters:
  ///   - root: the only directory that is searched; nil for all.
  ///   - limit: how many directories may be looked at, over all parts of the pattern.
  static func files(_ pattern: String, in root: String? = nil, limit: Int = 100_000) throws(TooMany) -> [String] {
    var search = Search(root: root.map(Paths.real), limit: limit)
    var found: Set<String> = []
    var directories: [String] = []
    for path in try search.paths(pattern) {
      if Paths.isDirectory(path) == true { directories.append(path) } else { found.insert(path) }
    }
    return found.union(try search.below(directories).files).sorted()
  }

  /// One pattern's way over the disk.
  private struct Search {
    let root: String?
    let limit: Int
    private var looked = 0

    init(root: String?, limit: Int) { (self.root, self.limit) = (root, limit) }

    mutating func paths(_ pattern: String) throws(TooMany) -> [String] {
      var directories = ["/"]
      var parts: [String] = []
      // Several `**` in a row mean what one means.
      for part in Paths.parts(pattern) where part != "**" || parts.last != "**" { parts.append(part) }
      for (index, part) in parts.enumerated() {
        let next = try step(part, directories)
        directories = index < parts.count - 1 ? next.filter { Paths.isDirectory($0) == true } : next
      }
      return directories
    }

    /// The paths that the pattern's next part leads to, each once, sorted.
    private mutating func step(_ part: String, _ directories: [String]) throws(TooMany) -> [String] {
      func path(_ name: String, _ directory: String) -> String { (directory == "/" ? "/" : directory + "/") + name }
      guard isPattern(part) else {
        return directories.map { path(part, $0) }.filter { Paths.isDirectory($0) != nil }
      }
      // Search only the repository.
      let searched = directories.filter { directory in root.map { Paths.isBelow(Paths.real(directory), $0) } ?? true }
      if part == "**" { return Set(searched + (try below(searched).directories)).sorted() }
      let glob = Inputs.Glob(part, .component)
      var next: Set<String> = []
      for directory in searched {
        try look()
        next.formUnion(Paths.entries(directory).filter { glob?.matches($0) ?? false }.map { path($0, directory) })
      }
      return next.sorted()
    }

    /// Returns everything below directories, which may be in each other. Links to directories are not followed: they
    /// may form circles.
    mutating func below(_ directories: [String]) throws(TooMany) -> (files: Set<String>, directories: Set<String>) {
      var files: Set<String> = []
      var found: Set<String> = []
      var done: Set<String> = []
      var open = directories
      while let directory = open.popLast() {
        guard done.insert(directory).inserted else { continue }
        try look()
        for name in Paths.entries(directory) {
          let path = (directory == "/" ? "" : directory) + "/" + name
          if Paths.isDirectory(path) != true {
            files.insert(path)
          } else if !Paths.isLink(path) {
            found.insert(path)
            open.append(path)
          }
        }
      }
      return (files, found)
    }

    private mutating func look() throws(TooMany) {
      looked += 1
      guard looked <= limit else { throw TooMany(limit: limit) }
    }
  }
}
