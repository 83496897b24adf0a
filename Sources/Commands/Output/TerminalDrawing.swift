import TerminalText

/// What is drawn on a terminal: anybody's text, which is made safe, and movements of the cursor that are ours alone
/// (ECMA-48).
struct TerminalDrawing: Sendable {
  private(set) var bytes = ""

  var isEmpty: Bool { bytes.isEmpty }

  /// - Parameter text: with colours, and line ends where it has several lines.
  mutating func text(_ text: String) { bytes += TerminalText.visible(text, colours: true) }

  mutating func line(_ text: String) {
    self.text(text)
    bytes += "\n"
  }

  /// To the beginning of this line, which is emptied.
  mutating func clearLine() { bytes += "\r\u{1B}[K" }

  /// To the beginning of the line so many above; all from there is emptied.
  mutating func clearFrom(linesAbove: Int) { bytes += "\u{1B}[\(linesAbove)A\r\u{1B}[J" }
}
