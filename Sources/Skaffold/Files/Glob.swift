import Inputs

/// Globs as Skaffold expands them (Go's filepath.Glob: `*`, `?`, `[a-z]`, `\`), and `**` for any number of directories.
enum Glob {
  static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }

  /// Returns the files that match an absolute pattern, sorted; directories that match give the files below them.
  /// - Parameter root: the only directory that is searched; nil for all.
  static func files(_ pattern: String, in root: String? = nil) -> [String] {
    var found: [String] = []
    for path in paths(pattern, root) { found += Paths.isDirectory(path) == true ? below(path).files : [path] }
    return found
  }

  private static func paths(_ pattern: String, _ root: String?) -> [String] {
    let root = root.map(Paths.real)
    var directories = ["/"]
    let parts = pattern.split(separator: "/").map(String.init)
    for (index, part) in parts.enumerated() {
      let glob = isPattern(part) ? Inputs.Glob(part, .component) : nil
      var next: [String] = []
      for directory in directories {
        let prefix = directory == "/" ? "/" : directory + "/"
        guard isPattern(part) else {
          if Paths.isDirectory(prefix + part) != nil { next.append(prefix + part) }
          continue
        }
        // Search only the repository.
        if let root, !Paths.isBelow(Paths.real(directory), root) { continue }
        if part == "**" {
          next += [directory] + below(directory).directories
        } else {
          next += Paths.entries(directory).filter { glob?.matches($0) ?? false }.map { prefix + $0 }
        }
      }
      directories = index < parts.count - 1 ? next.filter { Paths.isDirectory($0) == true } : next
    }
    return Set(directories).sorted()
  }

  /// Returns everything below a directory. Links to directories are not followed: they may form circles.
  private static func below(_ directory: String) -> (files: [String], directories: [String]) {
    var files: [String] = []
    var directories: [String] = []
    var open = [directory]
    while let directory = open.popLast() {
      for name in Paths.entries(directory) {
        let path = directory + "/" + name
        if Paths.isDirectory(path) != true {
          files.append(path)
        } else if !Paths.isLink(path) {
          directories.append(path)
          open.append(path)
        }
      }
    }
    return (files.sorted(), directories.sorted())
  }
}
