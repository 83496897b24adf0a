/// A glob as Skaffold's sync rules have it (bmatcuk/doublestar): `*` and `?` within a name, `**` over directories, `[a-z]`, `{a,b}`.
struct Glob {
  private let alternatives: [[Character]]

  init(_ pattern: String) { alternatives = Self.expand(Array(pattern)) }

  func matches(_ path: String) -> Bool {
    let path = Array(path)
    return alternatives.contains { Self.match($0[...], path[...]) }
  }

  /// Takes the first `{a,b}` apart.
  private static func expand(_ pattern: [Character]) -> [[Character]] {
    guard let open = pattern.firstIndex(of: "{") else { return [pattern] }
    var depth = 0
    var parts: [[Character]] = [[]]
    for index in open..<pattern.count {
      switch pattern[index] {
      case "{":
        depth += 1
        if depth > 1 { parts[parts.count - 1].append("{") }
      case "}":
        depth -= 1
        guard depth == 0 else {
          parts[parts.count - 1].append("}")
          continue
        }
        return parts.flatMap { expand(Array(pattern[..<open]) + $0 + Array(pattern[(index + 1)...])) }
      case "," where depth == 1: parts.append([])
      case let character: parts[parts.count - 1].append(character)
      }
    }
    return [pattern]
  }

  private static func match(_ pattern: ArraySlice<Character>, _ path: ArraySlice<Character>) -> Bool {
    guard let first = pattern.first else { return path.isEmpty }
    if pattern.starts(with: "**") {
      var rest = pattern.dropFirst(2)
      // `a/**/b` also means `a/b`.
      if rest.first == "/" {
        rest = rest.dropFirst()
        if match(rest, path) { return true }
        return path.indices.contains { path[$0] == "/" && match(rest, path[($0 + 1)...]) }
      }
      return (path.startIndex...path.endIndex).contains { match(rest, path[$0...]) }
    }
    switch first {
    case "*":
      let end = path.firstIndex(of: "/") ?? path.endIndex
      return (path.startIndex...end).contains { match(pattern.dropFirst(), path[$0...]) }
    case "?": return path.first.map { $0 != "/" } ?? false && match(pattern.dropFirst(), path.dropFirst())
    case "[":
      guard let close = pattern.dropFirst(2).firstIndex(of: "]"), let character = path.first, character != "/" else { return false }
      return contains(pattern[(pattern.startIndex + 1)..<close], character) && match(pattern[(close + 1)...], path.dropFirst())
    case "\\" where pattern.count > 1: return pattern.dropFirst().first == path.first && match(pattern.dropFirst(2), path.dropFirst())
    default: return first == path.first && match(pattern.dropFirst(), path.dropFirst())
    }
  }

  private static func contains(_ set: ArraySlice<Character>, _ character: Character) -> Bool {
    let isNegated = set.first == "^" || set.first == "!"
    var rest = isNegated ? set.dropFirst() : set
    while let first = rest.popFirst() {
      if rest.first == "-", let last = rest.dropFirst().first {
        if first <= character, character <= last { return !isNegated }
        rest = rest.dropFirst(2)
      } else if first == character {
        return !isNegated
      }
    }
    return isNegated
  }
}
