extension Glob {
  /// The syntax of a pattern. The dialects differ in the meaning of `**`, in negated sets, and in malformed patterns.
  public enum Dialect: Sendable, Hashable {
    /// .dockerignore (moby/patternmatcher), and COPY's sources with `**` as in `--parents`.
    case docker
    /// .gitignore (gitignore(5), "PATTERN FORMAT").
    case git
    /// One path component, as in Go's filepath.Match, with `!` beside `^`.
    case component
    /// Skaffold's sync rules (bmatcuk/doublestar): `**` over directories, `{a,b}`.
    case doublestar
  }

  /// Compiles a pattern.
  /// - Returns: nil for a pattern that is malformed (a set without its end; for Docker and Git a
  ///   backslash at the end) or too long.
  public init?(_ pattern: some StringProtocol, _ dialect: Dialect) {
    guard pattern.utf8.count <= Self.longest else { return nil }
    var reader = GlobReader(Substring(pattern).unicodeScalars, dialect)
    guard let tokens = reader.read() else { return nil }
    self.init(tokens: tokens)
  }

  /// The greatest length of a path.
  private static let longest = 4096
}

/// Reads patterns into tokens.
private struct GlobReader {
  private let dialect: Glob.Dialect
  private var rest: Substring.UnicodeScalarView
  private var tokens: [Glob.Token] = []
  private var isSpecial = false
  /// The number of open braces.
  private let depth: Int

  init(_ pattern: Substring.UnicodeScalarView, _ dialect: Glob.Dialect, depth: Int = 0) {
    self.dialect = dialect
    self.depth = depth
    rest = pattern
  }

  mutating func read() -> [Glob.Token]? {
    var first: Glob.Token?
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*":
        if rest.first == "*" { doubleStar() } else { append(.star) }
      case "?": append(.one)
      case "[":
        guard let set = isGo ? goSet() : set() else { return nil }
        append(set)
      case "{" where dialect == .doublestar:
        guard depth < Self.deepest, let forked = alternatives() else {
          append(scalar)
          continue
        }
        tokens += forked
      case "\\":
        if let next = rest.popFirst() {
          append(next)
          isSpecial = true
        } else if isGo {
          append(scalar)
        } else {
          return nil
        }
      default: append(scalar)
      }
      first = first ?? tokens.first
    }
    // moby: "**foo" without another wildcard is a suffix of the whole path, not of a name.
    if dialect == .docker, first == .directories, startsWithBareStars, !isSpecial { tokens[0] = .anything }
    guard dialect == .docker, tokens.first == .anything, tokens.count > 1 else { return tokens }
    return [.directories, .star] + tokens.dropFirst()
  }

  private static let deepest = 16
  private var isGo: Bool { dialect == .component || dialect == .doublestar }

  /// True if the pattern begins with `**` and no slash after it.
  private var startsWithBareStars = false

  private mutating func append(_ token: Glob.Token) {
    isSpecial = true
    // Several stars in a row are one.
    if token == tokens.last, [.star, .directories, .anything].contains(token) { return }
    tokens.append(token)
  }

  private mutating func append(_ scalar: Unicode.Scalar) { tokens.append(.scalar(scalar.value)) }

  private mutating func doubleStar() {
    let atStart = tokens.isEmpty
    let followsSlash = atStart || tokens.last == .scalar(Unicode.Scalar("/").value)
    if dialect == .component { return append(.star) }
    rest.removeFirst()
    let slash = rest.first == "/"
    if dialect == .doublestar {
      // `a/**/b` also means `a/b`.
      if slash { rest.removeFirst() }
      return append(slash ? .directories : .anything)
    }
    if dialect == .git, !followsSlash || !(slash || rest.isEmpty) {
      while rest.first == "*" { rest.removeFirst() }
      return append(.star)
    }
    if slash { rest.removeFirst() }
    guard !rest.isEmpty else { return tokens.append(.anything) }
    if atStart { startsWithBareStars = !slash } else { isSpecial = true }
    tokens.append(.directories)
  }

  // MARK: Alternatives

  /// Reads `{a,b}`, after the opening brace; nil if it has no end and so is literal.
  private mutating func alternatives() -> [Glob.Token]? {
    var open = 1
    var parts: [Substring.UnicodeScalarView] = []
    var start = rest.startIndex
    var end: String.Index?
    for index in rest.indices {
      switch rest[index] {
      case "{": open += 1
      case "}": open -= 1
      case "," where open == 1:
        parts.append(rest[start..<index])
        start = rest.index(after: index)
      default: break
      }
      guard open == 0 else { continue }
      parts.append(rest[start..<index])
      end = rest.index(after: index)
      break
    }
    guard let end else { return nil }
    var compiled: [[Glob.Token]] = []
    for part in parts {
      var reader = GlobReader(part, dialect, depth: depth + 1)
      // A malformed one matches nothing; the others stay.
      if let tokens = reader.read() { compiled.append(tokens) }
    }
    rest = rest[end...]
    // Each is followed by a jump to the end.
    let total = compiled.reduce(0) { $0 + $1.count + 1 }
    var forked: [Glob.Token] = []
    var offsets: [Int] = []
    for tokens in compiled {
      offsets.append(1 + forked.count)
      forked += tokens
      forked.append(.jump(total - forked.count))
    }
    return [.fork(offsets)] + forked
  }

  // MARK: Sets

  /// Reads a set after the opening bracket.
  private mutating func set() -> Glob.Token? {
    var negated = false
    if rest.first == "^" || (rest.first == "!" && dialect == .git) {
      negated = true
      rest.removeFirst()
    }
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while let scalar = rest.popFirst() {
      if scalar == "]", !isFirst || dialect == .docker {
        return ranges.isEmpty ? nil : .oneOf(ranges, negated: negated, slash: dialect == .docker)
      }
      isFirst = false
      if dialect == .git, scalar == "[", rest.first == ":", let named = namedClass() {
        ranges += named
        continue
      }
      guard let low = scalar == "\\" ? rest.popFirst() : scalar else { return nil }
      guard rest.first == "-", let after = rest.dropFirst().first, after != "]" else {
        ranges.append(low.value...low.value)
        continue
      }
      rest.removeFirst()
      guard var high = rest.popFirst() else { return nil }
      if high == "\\" {
        guard let escaped = rest.popFirst() else { return nil }
        high = escaped
      }
      if low.value <= high.value { ranges.append(low.value...high.value) }
    }
    return nil
  }

  /// Reads Go's form after the opening bracket; without escapes, and its first character may be a `]`.
  private mutating func goSet() -> Glob.Token? {
    guard !rest.isEmpty, let end = rest.dropFirst().firstIndex(of: "]") else { return nil }
    var set = rest[..<end]
    rest = rest[rest.index(after: end)...]
    let negated = set.first == "^" || set.first == "!"
    if negated { set.removeFirst() }
    var ranges: [ClosedRange<UInt32>] = []
    while let low = set.popFirst() {
      if set.first == "-", let high = set.dropFirst().first {
        set = set.dropFirst(2)
        if low.value <= high.value { ranges.append(low.value...high.value) }
      } else {
        ranges.append(low.value...low.value)
      }
    }
    return .oneOf(ranges, negated: negated, slash: false)
  }

  /// Reads `[:alpha:]` and the like, after its bracket.
  private mutating func namedClass() -> [ClosedRange<UInt32>]? {
    let text = String(Substring(rest.prefix(12)))
    for (name, ranges) in Self.classes where text.hasPrefix(":\(name):]") {
      rest = rest.dropFirst(name.count + 3)
      return ranges
    }
    return nil
  }

  private static let classes: [(String, [ClosedRange<UInt32>])] = [
    ("alpha", [65...90, 97...122]), ("digit", [48...57]), ("alnum", [48...57, 65...90, 97...122]),
    ("lower", [97...122]), ("upper", [65...90]),
    ("space", [9...13, 32...32]), ("blank", [9...9, 32...32]), ("punct", [33...47, 58...64, 91...96, 123...126]),
    ("xdigit", [48...57, 65...70, 97...102]),
  ]
}
