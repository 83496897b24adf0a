/// Makes foreign text safe for a terminal: from a cluster, a repository, a file. A terminal obeys control characters
/// (ECMA-48), which can set the clipboard, move the cursor over earlier output, or reorder text.
public enum TerminalText {
  /// Returns the text with each control character made visible: a picture (`␛`), or its number (`\\u{202e}`). The text
  /// after one stays as it is, so nothing can be swallowed.
  /// - Parameters:
  ///   - colours: true if foreground colours and weights pass; they end with the text. Else they are left out.
  ///   - lines: true if line ends and tabs pass; else they are made visible too.
  public static func visible(_ text: String, colours: Bool = false, lines: Bool = true) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    var isColoured = false
    while let scalar = rest.first {
      if scalar.value == 0x1b, let colour = colour(rest) {
        if colours {
          result += rest.prefix(colour.count)
          isColoured = !colour.resets
        }
        rest = rest.dropFirst(colour.count)
        continue
      }
      rest = rest.dropFirst()
      switch scalar.value {
      case 0x0a, 0x09: lines ? result.append(scalar) : show(scalar, &result)
      case 0x0d where lines && rest.first?.value == 0x0a: break
      default: isControl(scalar) ? show(scalar, &result) : result.append(scalar)
      }
    }
    if isColoured { result += "\u{1b}[0m".unicodeScalars }
    return String(result)
  }

  /// Returns the text of one cell or of one word: no colour, no line end.
  public static func cell(_ text: String) -> String { visible(text, lines: false) }

  /// Returns a log's or builder's line without sequences that move the cursor or clear the screen: whole
  /// sequences are left out, and after a carriage return only the last text remains. Colours stay, and
  /// incomplete sequences are left to `visible`.
  public static func still(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value == 0x1b || $0.value == 0x0d || $0.value == 0x9b }) else {
      return text
    }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.first {
      if scalar.value == 0x1b || scalar.value == 0x9b, let behind = behindSequence(rest) {
        if let colour = colour(rest) { result += rest.prefix(colour.count) }
        rest = behind
        continue
      }
      rest = rest.dropFirst()
      if scalar.value == 0x0d {
        if !rest.isEmpty { result = String.UnicodeScalarView() }
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// Returns JSON whose strings a terminal shows and does not obey: control characters that JSON allows are escaped
  /// (RFC 8259, section 7). A reader of JSON sees no difference.
  public static func json(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value >= 0x7f && isControl($0) }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      guard scalar.value >= 0x7f, isControl(scalar) else {
        result.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      result += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
    }
    return String(result)
  }

  // MARK: Control characters and sequences

  /// C0 and DEL, C1 (U+0080 to U+009F), line and paragraph separators, and characters that reorder text (Unicode
  /// Standard Annex 9: marks, embeddings, overrides, isolates).
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f...0x9f, 0x61c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  private static func show(_ scalar: Unicode.Scalar, _ result: inout String.UnicodeScalarView) {
    switch scalar.value {
    // The pictures of Unicode's block "Control Pictures".
    case 0..<0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? "?")
    case 0x7f: result.append("\u{2421}")
    default: result += "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
    }
  }

  /// Reads a control sequence at the beginning that sets only foreground colours or weights (SGR, ECMA-48 section
  /// 8.3.117): black, backgrounds and concealment would hide text.
  /// - Returns: its length in scalars, and true if it resets everything.
  private static func colour(_ text: Substring.UnicodeScalarView) -> (count: Int, resets: Bool)? {
    var rest = text
    guard rest.popFirst()?.value == 0x1b, rest.popFirst() == "[" else { return nil }
    let parameters = rest.prefix { (0x30...0x39).contains($0.value) || $0 == ";" }
    guard parameters.count <= longestColour, rest.dropFirst(parameters.count).first == "m" else { return nil }
    let numbers = String(parameters).split(separator: ";", omittingEmptySubsequences: false).map {
      $0.isEmpty ? 0 : Int($0) ?? -1
    }
    let areHarmless = numbers.allSatisfy {
      [0, 1, 2, 3, 4, 22, 23, 24, 39].contains($0) || (31...37).contains($0) || (90...97).contains($0)
    }
    return areHarmless ? (3 + parameters.count, numbers.last == 0) : nil
  }

  private static let longestColour = 32

  /// Returns the text behind a whole escape sequence at the beginning, or behind a control string with its end; nil if
  /// there is none (ECMA-48 section 5). Its length would have to be counted, up to the end of the text.
  private static func behindSequence(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView? {
    var rest = text
    var kind = rest.popFirst()
    if kind?.value == 0x9b { kind = "[" } else { kind = rest.popFirst() }
    guard let kind else { return nil }
    switch kind {
    case "[":
      rest = rest.drop { (0x30...0x3f).contains($0.value) }
      rest = rest.drop { (0x20...0x2f).contains($0.value) }
      guard let last = rest.popFirst(), (0x40...0x7e).contains(last.value) else { return nil }
    case "]", "P", "X", "^", "_":
      // Up to BEL or ESC \. With another control character in it, this is no control string.
      while true {
        guard let scalar = rest.popFirst() else { return nil }
        if scalar.value == 7 { break }
        if scalar.value == 0x1b {
          guard rest.popFirst() == "\\" else { return nil }
          break
        }
        guard !isControl(scalar) else { return nil }
      }
    case _ where (0x20...0x2f).contains(kind.value):
      rest = rest.drop { (0x20...0x2f).contains($0.value) }
      guard let last = rest.popFirst(), (0x30...0x7e).contains(last.value) else { return nil }
    case _ where (0x30...0x7e).contains(kind.value): break
    default: return nil
    }
    return rest
  }
}
