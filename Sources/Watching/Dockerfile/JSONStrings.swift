/// A JSON array of strings, the form in which COPY and ADD take names with blanks; Docker reads
/// anything else as plain words.
enum JSONStrings {
  static func parse(_ text: some StringProtocol) -> [String]? {
    var rest = Substring(text).trimmed[...]
    guard rest.popFirst() == "[" else { return nil }
    var strings: [String] = []
    rest = rest.drop(while: \.isWhitespace)
    if rest.first == "]" { return rest.dropFirst().trimmed.isEmpty ? [] : nil }
    while true {
      rest = rest.drop(while: \.isWhitespace)
      guard rest.popFirst() == "\"", let string = string(&rest) else { return nil }
      strings.append(string)
      rest = rest.drop(while: \.isWhitespace)
      switch rest.popFirst() {
      case ",": continue
      case "]": return rest.trimmed.isEmpty ? strings : nil
      default: return nil
      }
    }
  }

  /// Reads a string, behind the opening quote.
  private static func string(_ rest: inout Substring) -> String? {
    var result = ""
    while let character = rest.popFirst() {
      switch character {
      case "\"": return result
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        switch escaped {
        case "n": result += "\n"
        case "t": result += "\t"
        case "r": result += "\r"
        case "b": result += "\u{8}"
        case "f": result += "\u{C}"
        case "\"", "\\", "/": result.append(escaped)
        case "u":
          guard let value = UInt32(rest.prefix(4), radix: 16), let scalar = Unicode.Scalar(value) else { return nil }
          rest = rest.dropFirst(4)
          result.unicodeScalars.append(scalar)
        default: return nil
        }
      default: result.append(character)
      }
    }
    return nil
  }
}
