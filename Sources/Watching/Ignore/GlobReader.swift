/// Reads patterns into tokens; the dialects differ in what `**` means and how a set is negated.
struct GlobReader {
  enum Dialect {
    /// .dockerignore (moby/patternmatcher), and COPY's sources with `**` as `--parents` has it.
    case docker
    /// .gitignore (gitignore(5), "PATTERN FORMAT").
    case git
  }

  let dialect: Dialect
  private var rest: Substring.UnicodeScalarView
  private var tokens: [Glob.Token] = []
  private var isSpecial = false

  /// - Returns: nil for a pattern that is malformed: a set without its end, a backslash with nothing behind.
  static func read(_ pattern: some StringProtocol, _ dialect: Dialect) -> Glob? {
    var reader = GlobReader(pattern, dialect)
    return reader.read()
  }

  private init(_ pattern: some StringProtocol, _ dialect: Dialect) {
    self.dialect = dialect
    rest = Substring(pattern).unicodeScalars
  }

  private mutating func read() -> Glob? {
    var first: Glob.Token?
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*":
        if rest.first == "*" { doubleStar() } else { append(.star) }
      case "?": append(.one)
      case "[":
        guard let set = set() else { return nil }
        append(set)
      case "\\":
        guard let next = rest.popFirst() else { return nil }
        append(next)
        isSpecial = true
      default: append(scalar)
      }
      first = first ?? tokens.first
    }
    // moby: "**foo" without another wildcard is a suffix of the whole path, not of a name.
    if dialect == .docker, first == .directories, startsWithBareStars, !isSpecial { tokens[0] = .everything }
    guard tokens.first == .everything, tokens.count > 1 else { return Glob(tokens: tokens) }
    return Glob(tokens: [.directories, .star] + tokens.dropFirst())
  }

  /// The pattern begins with `**` and no slash after it.
  private var startsWithBareStars = false

  private mutating func append(_ token: Glob.Token) {
    tokens.append(token)
    isSpecial = true
  }

  private mutating func append(_ scalar: Unicode.Scalar) { tokens += String(scalar).utf8.map(Glob.Token.byte) }

  private mutating func doubleStar() {
    let atStart = tokens.isEmpty
    let followsSlash = atStart || tokens.last == .byte(UInt8(ascii: "/"))
    rest.removeFirst()
    let slash = rest.first == "/"
    if dialect == .git, !followsSlash || !(slash || rest.isEmpty) {
      while rest.first == "*" { rest.removeFirst() }
      return append(.star)
    }
    if slash { rest.removeFirst() }
    guard !rest.isEmpty else { return tokens.append(.everything) }
    if atStart { startsWithBareStars = !slash } else { isSpecial = true }
    tokens.append(.directories)
  }

  /// Behind the opening bracket.
  private mutating func set() -> Glob.Token? {
    var negated = false
    if rest.first == "^" || (rest.first == "!" && dialect == .git) {
      negated = true
      rest.removeFirst()
    }
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while let scalar = rest.popFirst() {
      if scalar == "]", !isFirst || dialect == .docker { return ranges.isEmpty ? nil : .oneOf(ranges, negated: negated, slash: dialect == .docker) }
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

  /// `[:alpha:]` and the like, behind its bracket.
  private mutating func namedClass() -> [ClosedRange<UInt32>]? {
    let text = String(Substring(rest.prefix(12)))
    for (name, ranges) in Self.classes where text.hasPrefix(":\(name):]") {
      rest = rest.dropFirst(name.count + 3)
      return ranges
    }
    return nil
  }

  private static let classes: [(String, [ClosedRange<UInt32>])] = [
    ("alpha", [65...90, 97...122]), ("digit", [48...57]), ("alnum", [48...57, 65...90, 97...122]), ("lower", [97...122]), ("upper", [65...90]),
    ("space", [9...13, 32...32]), ("blank", [9...9, 32...32]), ("punct", [33...47, 58...64, 91...96, 123...126]), ("xdigit", [48...57, 65...70, 97...102]),
  ]
}
