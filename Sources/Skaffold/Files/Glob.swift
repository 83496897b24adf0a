/// Globs as Skaffold expands them (Go's filepath.Glob: `*`, `?`, `[a-z]`, `\`), and `**` for any number of directories.
enum Glob {
  static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }

  /// The files that match an absolute pattern, sorted; directories that match give the files below them.
  static func files(_ pattern: String) -> [String] {
    var found: [String] = []
    for path in paths(pattern) { found += Paths.isDirectory(path) == true ? filesBelow(path) : [path] }
    return found
  }

  static func directories(_ pattern: String) -> [String] { paths(pattern).filter { Paths.isDirectory($0) == true } }

  private static func paths(_ pattern: String) -> [String] {
    var directories = ["/"]
    let parts = pattern.split(separator: "/").map(String.init)
    for (index, part) in parts.enumerated() {
      var next: [String] = []
      for directory in directories {
        let prefix = directory == "/" ? "/" : directory + "/"
        if part == "**" {
          next += [directory] + directoriesBelow(directory)
        } else if isPattern(part) {
          next += Paths.entries(directory).filter { matches($0, part) }.map { prefix + $0 }
        } else if Paths.isDirectory(prefix + part) != nil {
          next.append(prefix + part)
        }
      }
      directories = index < parts.count - 1 ? next.filter { Paths.isDirectory($0) == true } : next
    }
    return Set(directories).sorted()
  }

  static func filesBelow(_ directory: String) -> [String] {
    Paths.entries(directory).flatMap { name in
      let path = directory + "/" + name
      return Paths.isDirectory(path) == true ? filesBelow(path) : [path]
    }
  }

  private static func directoriesBelow(_ directory: String) -> [String] {
    Paths.entries(directory).flatMap { name in
      let path = directory + "/" + name
      return Paths.isDirectory(path) == true ? [path] + directoriesBelow(path) : []
    }
  }

  /// Whether one path component matches.
  static func matches(_ name: String, _ pattern: String) -> Bool { matches(Array(name)[...], Array(pattern)[...]) }

  private static func matches(_ name: ArraySlice<Character>, _ pattern: ArraySlice<Character>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    switch first {
    case "*": return (name.startIndex...name.endIndex).contains { matches(name[$0...], rest) }
    case "?": return !name.isEmpty && matches(name.dropFirst(), rest)
    case "[":
      guard let end = rest.dropFirst().firstIndex(of: "]"), let character = name.first else { return false }
      return isIn(rest[rest.startIndex..<end], character) && matches(name.dropFirst(), pattern[(end + 1)...])
    case "\\" where !rest.isEmpty: return name.first == rest.first && matches(name.dropFirst(), rest.dropFirst())
    default: return name.first == first && matches(name.dropFirst(), rest)
    }
  }

  private static func isIn(_ set: ArraySlice<Character>, _ character: Character) -> Bool {
    let isNegated = set.first == "^" || set.first == "!"
    var rest = isNegated ? set.dropFirst() : set
    var found = false
    while let low = rest.first {
      rest = rest.dropFirst()
      if rest.first == "-", let high = rest.dropFirst().first {
        rest = rest.dropFirst(2)
        if low <= character, character <= high { found = true }
      } else if low == character {
        found = true
      }
    }
    return found != isNegated
  }
}
