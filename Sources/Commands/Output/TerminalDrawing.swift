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

  // MARK: A whole screen

  /// Changes to the terminal's second screen (xterm's private mode 1049) and hides the cursor.
  mutating func enterScreen() { bytes += "\u{1B}[?1049h\u{1B}[?25l" }

  /// Shows the cursor, and the first screen as it was.
  mutating func leaveScreen() { bytes += "\u{1B}[?25h\u{1B}[?1049l" }

  /// Moves to the screen's beginning.
  mutating func home() { bytes += "\u{1B}[H" }

  /// Empties the rest of the line, and moves to the next one.
  mutating func endLine() { bytes += "\u{1B}[K\n" }

  /// Empties the screen from here on.
  mutating func clearRest() { bytes += "\u{1B}[J" }
}
