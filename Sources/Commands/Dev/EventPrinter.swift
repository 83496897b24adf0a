import ControlAPI
import Daemon
import DevLoop
import FoundationEssentials
import Synchronization

/// Prints a loop's events: as JSON, a line each; else as lines, and on a terminal with a status block below them.
final class EventPrinter: Sendable {
  private let format: OutputFormat
  private let terminal: Terminal
  private let lines: EventLines
  /// nil if only lines are printed.
  private let block: Mutex<StatusBlock?>
  private let memory = IdleMemory()

  init(format: OutputFormat, verbose: Bool, terminal: Terminal = .output) {
    self.format = format
    self.terminal = terminal
    var lines = EventLines()
    lines.verbose = verbose
    lines.paint = { terminal.paint($0, $1) }
    self.lines = lines
    block = Mutex(format == .table && terminal.isTerminal ? StatusBlock() : nil)
  }

  func print(_ event: DevEvent) {
    // Hashing 100,000 files uses much memory, which can be given back until the next save.
    switch event {
    case .watching, .failed: memory.touched()
    default: break
    }
    if format == .json { return terminal.line(json(event)) }
    let text = lines.lines(event)
    block.withLock { block in
      guard var drawn = block else { return text.forEach(terminal.line) }
      drawn.take(event)
      terminal.draw(
        drawn.redraw(over: text, columns: terminal.columns, rows: terminal.rows) { terminal.paint($0, .faint) })
      block = drawn
    }
  }

  /// Removes the block: the lines above it stay.
  func end() { block.withLock { block in if let drawing = block?.erase() { terminal.draw(drawing) } } }

  private func json(_ event: DevEvent) -> String {
    // An event has only strings and numbers: encoding cannot fail.
    (try? JSONOutput.text(event, isPretty: false)) ?? "{}"
  }
}
