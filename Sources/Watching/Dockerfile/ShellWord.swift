/// Words of a Dockerfile: quotes, escapes, `$name` and `${name:-default}` (Dockerfile reference,
/// "Environment replacement").
struct ShellWord {
  private var rest: Substring
  private let escape: Character
  /// nil for an unknown variable.
  private let lookup: (String) -> String?
  private var result = ""
  /// The number of words around this one.
  private let depth: Int

  /// No real file nests defaults so deep: `${a:-${b:-c}}` has two.
  private static let deepest = 20
  /// In bytes. A few lines of ENV that use each other's values could make one of any length.
  private static let longest = 64 << 10

  /// Splits at white space outside of quotes; the words keep their quotes.
  static func split(_ text: String, escape: Character) -> [String] {
    var words: [String] = []
    var word = ""
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        isEscaped = false
      } else if character == escape, quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if character.isWhitespace {
        if !word.isEmpty { words.append(word) }
        word = ""
        continue
      }
      word.append(character)
    }
    return word.isEmpty ? words : words + [word]
  }

  /// Returns the word's value; nil if that depends on something unknown here: a variable, or an operation on its
  /// value's text. nil also if it is too long or nested too deep.
  static func expand(_ word: String, escape: Character, lookup: @escaping (String) -> String?) -> String? {
    expand(word[...], escape: escape, depth: 0, lookup: lookup)
  }

  private static func expand(_ word: Substring, escape: Character, depth: Int, lookup: @escaping (String) -> String?)
    -> String?
  {
    guard depth <= deepest else { return nil }
    var expansion = ShellWord(rest: word, escape: escape, lookup: lookup, depth: depth)
    return expansion.read() ? expansion.result : nil
  }

  private init(rest: Substring, escape: Character, lookup: @escaping (String) -> String?, depth: Int) {
    (self.rest, self.escape, self.lookup, self.depth) = (rest, escape, lookup, depth)
  }

  private mutating func read() -> Bool {
    var inQuotes = false
    while let character = rest.popFirst() {
      switch character {
      case "'" where !inQuotes:
        result += rest.prefix { $0 != "'" }
        rest = rest.drop { $0 != "'" }.dropFirst()
      case "\"": inQuotes.toggle()
      case escape:
        guard let next = rest.popFirst() else { return true }
        if inQuotes, next != "\"", next != "$", next != escape { result.append(character) }
        result.append(next)
      case "$":
        guard let value = variable(), result.utf8.count + value.utf8.count <= Self.longest else { return false }
        result += value
      default: result.append(character)
      }
    }
    return true
  }

  /// Reads a variable behind the dollar sign.
  private mutating func variable() -> String? {
    guard rest.first == "{" else {
      let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      guard !name.isEmpty else { return "$" }
      rest = rest.dropFirst(name.count)
      return lookup(String(name))
    }
    rest = rest.dropFirst()
    let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    rest = rest.dropFirst(name.count)
    guard let body = upToBrace() else { return nil }
    if body.isEmpty { return lookup(String(name)) }
    let countsEmpty = body.hasPrefix(":")
    let operation = countsEmpty ? body.dropFirst() : body
    let (escape, lookup, depth) = (escape, lookup, depth)
    let word = { Self.expand(operation.dropFirst(), escape: escape, depth: depth + 1, lookup: lookup) }
    switch operation.first {
    case "-":
      // An unknown variable may still have a value: its image's.
      guard let value = lookup(String(name)) else { return nil }
      return value.isEmpty ? word() : value
    case "+":
      guard let value = lookup(String(name)) else { return nil }
      return value.isEmpty ? "" : word()
    case "?": return lookup(String(name))
    default: return nil
    }
  }

  private mutating func upToBrace() -> Substring? {
    var depth = 1
    for index in rest.indices {
      if rest[index] == "{" { depth += 1 }
      if rest[index] == "}" { depth -= 1 }
      guard depth == 0 else { continue }
      defer { rest = rest[rest.index(after: index)...] }
      return rest[..<index]
    }
    return nil
  }
}
