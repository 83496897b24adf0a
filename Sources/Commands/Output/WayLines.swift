import ControlAPI
import Explain
import TerminalText

extension Explanation {
  /// The verdict, then a line for each hop, with its evidence and its remedy below.
  func lines(_ terminal: Terminal) -> [String] {
    let width = hops.map(\.name.count).max() ?? 0
    let place = (namespace.map { "\($0)/" } ?? "") + service + (port.map { " port \($0)" } ?? "")
    let verdict = terminal.paint(TerminalText.cell(verdict), isWell ? .green : .red)
    return ["\(TerminalText.cell(place)): \(verdict)."] + [""] + hops.flatMap { $0.lines(terminal, width: width) }
      + ["", "Looked at in \(milliseconds) ms."]
  }
}

extension WayHop {
  fileprivate func lines(_ terminal: Terminal, width: Int) -> [String] {
    let (word, color): (String, Terminal.Color) =
      switch outcome {
      case .ok: ("ok     ", .green)
      case .warning: ("warning", .yellow)
      case .failed: ("FAILED ", .red)
      case .skipped: ("skipped", .faint)
      }
    let name = name + String(repeating: " ", count: max(0, width - name.count))
    let indent = String(repeating: " ", count: 11 + width)
    return ["\(terminal.paint(word, color))  \(name)  \(TerminalText.cell(detail))"]
      + evidence.map { "\(indent)\(TerminalText.cell($0))" }
      + (remedy.map { ["\(indent)→ \(TerminalText.cell($0))"] } ?? [])
  }
}

extension WayReport.Host {
  /// `127.0.0.1:8080`.
  var place: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
