import TerminalText

/// Columns for a terminal: as wide as their widest cell, two spaces apart.
package struct Table {
  private let header: [String]
  private var rows: [[String]] = []

  package init(_ header: String...) { self.header = header }
  init(_ header: [String]) { self.header = header }

  /// - Parameter cells: untrusted text; each stays in its cell.
  package mutating func add(_ cells: String?...) { add(cells) }
  mutating func add(_ cells: [String?]) { rows.append(cells.map { $0.map(TerminalText.cell) ?? "-" }) }

  var isEmpty: Bool { rows.isEmpty }

  package func lines(indent: Int = 0) -> [String] {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { Self.width($0[column]) }.max() ?? 0 }
    return all.map { row in
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - Self.width(cell) + 2) }
      }
      return line
    }
  }

  private static func width(_ text: String) -> Int { text.count }
}
