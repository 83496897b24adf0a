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
  ///   - limit: how many directories may be looked at. Each counts once, however many parts of the pattern lead there.
  static func files(_ pattern: String, in root: String? = nil, limit: Int = 100_000) throws(TooMany) -> [String] {
    var search = Search(pattern, root: root.map(Paths.real), limit: limit)
    return try search.files().sorted()
  }

  /// One walk over the disk. A directory is looked at once, with all the parts of the pattern that may come next there.
  private struct Search {
    private enum Part {
      case anyDirectories
      /// Nil for a malformed pattern, which matches nothing.
      case pattern(Inputs.Glob?)
      case name(String)
    }

    private let parts: [Part]
    private let root: String?
    private let limit: Int
    private var looked = 0
    private var found: [String] = []
    /// The directories that are still to be searched: which parts come next there, by their numbers in the pattern.
    /// The number behind the last part stands for all that is below.
    private var open: [(directory: String, next: [Int])] = []

    init(_ pattern: String, root: String?, limit: Int) {
      var names: [String] = []
      // Several `**` in a row mean what one means.
      for part in Paths.parts(pattern) where part != "**" || names.last != "**" { names.append(part) }
      parts = names.map {
        $0 == "**" ? .anyDirectories : isPattern($0) ? .pattern(Inputs.Glob($0, .component)) : .name($0)
      }
      (self.root, self.limit) = (root, limit)
    }

    mutating func files() throws(TooMany) -> [String] {
      open = [("/", [0])]
      while let (directory, next) = open.popLast() {
        let (next, isListed) = steps(in: directory, next)
        let names = try isListed ? list(directory, with: next) : names(next)
        for name in names { enter(directory, name, next) }
      }
      return found
    }

    /// Returns the parts that may match a name of this directory, in order, and whether its names must be listed.
    private func steps(in directory: String, _ next: [Int]) -> (next: [Int], isListed: Bool) {
      var steps: [Int] = []
      func add(_ index: Int) { if steps.last != index { steps.append(index) } }
      var isListed = false
      lazy var isSearched = root.map { Paths.isBelow(Paths.real(directory), $0) } ?? true
      for index in next {
        switch index < parts.count ? parts[index] : nil {
        case .name: add(index)
        case nil:
          isListed = true
          add(index)
        // Search only the repository.
        case .pattern where isSearched:
          isListed = true
          add(index)
        case .anyDirectories where isSearched:
          isListed = true
          add(index)
          // `**` may also mean no directory.
          add(index + 1)
        case .pattern, .anyDirectories: break
        }
      }
      return (steps, isListed)
    }

    private mutating func list(_ directory: String, with next: [Int]) throws(TooMany) -> [String] {
      looked += 1
      guard looked <= limit else { throw TooMany(limit: limit) }
      let entries = Paths.entries(directory)
      // A directory that may not be read may still be passed through.
      return entries.isEmpty ? names(next) : entries
    }

    /// Returns the names that the pattern spells out.
    private func names(_ next: [Int]) -> [String] {
      var names: [String] = []
      for index in next where index < parts.count {
        if case .name(let name) = parts[index], !names.contains(where: { Paths.isSame($0, name) }) {
          names.append(name)
        }
      }
      return names
    }

    /// Takes one step, to a name of a directory.
    private mutating func enter(_ directory: String, _ name: String, _ next: [Int]) {
      let path = (directory == "/" ? "/" : directory + "/") + name
      lazy var kind = Paths.isDirectory(path)
      var after: [Int] = []
      var repeated: [Int] = []
      for index in next {
        switch index < parts.count ? parts[index] : nil {
        case nil, .anyDirectories: repeated.append(index)
        case .pattern(let glob): if glob?.matches(name) ?? false { after.append(index + 1) }
        case .name(let own): if Paths.isSame(own, name), kind != nil { after.append(index + 1) }
        }
      }
      guard !after.isEmpty || !repeated.isEmpty else { return }
      guard kind == true else {
        if after.last == parts.count || repeated.last == parts.count { found.append(path) }
        return
      }
      // Links to directories are not followed below `**`: they may form circles.
      if !repeated.isEmpty, !Paths.isLink(path) { after += repeated }
      if !after.isEmpty { open.append((path, Set(after).sorted())) }
    }
  }
}
