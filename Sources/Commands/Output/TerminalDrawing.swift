import TerminalText

/// A drawing on a terminal: untrusted text, which is made safe, and our own movements of the cursor (ECMA-48).
struct TerminalDrawing: Sendable {
  private(set) var bytes = ""

  var isEmpty: Bool { bytes.isEmpty }

  /// - Parameter text: with colours, and line ends if it has several lines.
  mutating func text(_ text: String) { bytes += TerminalText.visible(text, colours: true) }

  mutating func line(_ text: String) {
    self.text(text)
    bytes += "\n"
  }

  /// Moves to the beginning of this line, and empties it.
  mutating func clearLine() { bytes += "\r\u{1B}[K" }

  /// Moves up so many lines, to the beginning, and empties all from there.
  mutating func clearFrom(linesAbove: Int) { bytes += "\u{1B}[\(linesAbove)A\r\u{1B}[J" }
}
