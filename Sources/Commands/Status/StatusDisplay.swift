import ControlAPI
import FoundationEssentials
import Synchronization
import UnixSignals

/// Shows the events of `status --watch`: as JSON, a line each; on a terminal as tables that are redrawn in place;
/// elsewhere as a line for each change.
final class StatusDisplay: Sendable {
  private enum Form { case json, lines, screen }

  private struct State {
    var lines = StatusLines()
    var isOnScreen = false
    var hasEnded = false
    var note = ""
  }

  private let form: Form
  private let terminal: Terminal
  private let zone = LocalTime()
  private let state = Mutex(State())
  /// Reasons to draw; several at once are one.
  private let (dues, due) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  init(_ format: OutputFormat, terminal: Terminal = .output) {
    self.terminal = terminal
    form = format == .json ? .json : terminal.canDraw ? .screen : .lines
  }

  /// Shows an event.
  func take(_ event: StatusEvent) {
    if form == .json {
      // An event has only strings and numbers: encoding cannot fail.
      if let text = try? JSONOutput.text(event, isPretty: false) { terminal.line(text) }
      return
    }
    let time = zone.text(Date().timeIntervalSince1970)
    let lines = state.withLock { state in
      switch event.change {
      case .ended: state.note = "The daemon ended at \(time); this waits for another one. "
      case .snapshot: state.note = ""
      default: break
      }
      return state.lines.take(event.change)
    }
    if form == .screen { due.yield() } else { for line in lines { terminal.line("\(time) \(line)") } }
  }

  /// Draws what is due, until the task is cancelled.
  func draw() async {
    guard form == .screen else { return }
    let resizes = Task { [due] in for await _ in await UnixSignalsSequence(trapping: .sigwinch) { due.yield() } }
    for await _ in dues {
      drawOnce()
      // Several changes at once are one drawing.
      try? await Task.sleep(for: .milliseconds(50))
    }
    resizes.cancel()
  }

  private func drawOnce() {
    state.withLock { state in
      guard !state.hasEnded else { return }
      var drawing = TerminalDrawing()
      if !state.isOnScreen { drawing.enterScreen() }
      state.isOnScreen = true
      terminal.draw(drawing)
      let tables = state.lines.items.isEmpty ? [] : StatusReport(items: state.lines.items).lines
      terminal.draw(
        StatusScreen.drawing(
          tables, foot: state.note + "Ctrl-C ends this.", columns: terminal.columns, rows: terminal.rows
        ) { terminal.paint($0, .faint) })
    }
  }

  /// Leaves the screen as it was. A second call does nothing.
  func end() {
    state.withLock { state in
      state.hasEnded = true
      guard state.isOnScreen else { return }
      state.isOnScreen = false
      var drawing = TerminalDrawing()
      drawing.leaveScreen()
      terminal.draw(drawing)
    }
  }
}
