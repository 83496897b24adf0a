/// A credential plugin's output, made fit for an error and the daemon's log: a few lines without control characters and
/// apparent secrets. Plugins print tokens that they fail to send.
enum PluginText {
  /// In characters. Beginning and end are kept: the reason is at the end, behind a usage text or a trace.
  static let limit = 1000

  static func shown(_ text: String) -> String {
    let plain = String(String.UnicodeScalarView(withoutControls(text)))
    let lines = plain.split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }
    let joined = SecretText.hiding(lines).map(\.trimmed).filter { !$0.isEmpty }.joined(separator: "\n")
    guard joined.count > limit else { return joined }
    return joined.prefix(limit / 2) + " … " + joined.suffix(limit / 2)
  }

  /// Removes control characters except line breaks, escape sequences (ECMA-48, section 5.4) and marks
  /// that change the direction of a text.
  private static func withoutControls(_ text: String) -> [Unicode.Scalar] {
    var shown: [Unicode.Scalar] = []
    var scalars = text.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      switch scalar.value {
      case 0x0A: shown.append(scalar)
      case 0x09: shown.append(" ")
      case 0x1B where scalars.first == "[":
        scalars = scalars.dropFirst().drop { (0x20...0x3F).contains($0.value) }.dropFirst()
      case 0x1B where scalars.first == "]":
        // Up to BEL or ESC \.
        scalars = scalars.drop { $0.value != 0x07 && $0.value != 0x1B && $0.value != 0x0A }
        if scalars.first?.value == 0x1B, scalars.dropFirst().first == "\\" { scalars = scalars.dropFirst(2) }
      case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: break
      default: shown.append(scalar)
      }
    }
    return shown
  }
}
