/// Text of others on a terminal.
enum TerminalText {
  /// The text without what moves the cursor or clears the screen (ECMA-48): colours and tabs stay. Of what a carriage return overwrites, the last remains.
  static func still(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else { return text }
    var result = ""
    var rest = Substring(text).unicodeScalars
    while let scalar = rest.popFirst() {
      switch scalar.value {
      case 27: result += sequence(&rest)
      case 13 where !rest.isEmpty: result = ""
      case 9: result.unicodeScalars.append(scalar)
      case 0..<32, 127: break
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Takes the rest of an escape sequence.
  /// - Returns: the sequence, where it only chooses colours.
  private static func sequence(_ rest: inout Substring.UnicodeScalarView) -> String {
    guard let kind = rest.popFirst() else { return "" }
    switch kind {
    case "[":
      var parameters = ""
      while let scalar = rest.popFirst() {
        if (0x40...0x7E).contains(scalar.value) { return scalar == "m" ? "\u{1B}[\(parameters)m" : "" }
        parameters.unicodeScalars.append(scalar)
      }
    case "]", "P", "X", "^", "_":
      // Up to BEL or ESC \.
      while let scalar = rest.popFirst(), scalar.value != 7 {
        if scalar.value == 27 {
          _ = rest.popFirst()
          break
        }
      }
    case _ where (0x20...0x2F).contains(kind.value): _ = rest.popFirst()
    default: break
    }
    return ""
  }
}
