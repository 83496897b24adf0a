import TerminalText

/// The drawings of a whole terminal that shows lines in place.
enum StatusScreen {
  /// Draws lines over those of before, and a last one below them. Lines that are too long are cut, and those that have
  /// no room are counted.
  /// - Parameter paint: gives the last line its colour.
  static func drawing(_ lines: [String], foot: String, columns: Int, rows: Int, paint: (String) -> String = { $0 })
    -> TerminalDrawing
  {
    let room = max(1, rows - 3)
    var shown = lines.prefix(room)
    if lines.count > room {
      shown = lines.prefix(room - 1) + ["… and \(lines.count - room + 1) more lines; the terminal is too small"]
    }
    var drawing = TerminalDrawing()
    drawing.home()
    func cut(_ line: String) -> String { String(TerminalText.cell(line).prefix(max(1, columns - 1))) }
    for line in shown + [""] {
      drawing.text(cut(line))
      drawing.endLine()
    }
    drawing.text(paint(cut(foot)))
    drawing.clearRest()
    return drawing
  }
}
