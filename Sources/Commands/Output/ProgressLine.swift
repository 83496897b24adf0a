import ControlAPI
import Synchronization
import TerminalText

/// Shows on stderr what a command waits for, after the first second, in which most commands end. On a terminal it is
/// one line that changes, elsewhere a line for each step.
package final class ProgressLine: Sendable {
  private struct State {
    var latest: String
    var showing = false
    var drawn: String?
    var ended = false
  }

  private let state: Mutex<State>
  private let terminal: Terminal
  private let oneLine: Bool

  /// - Parameters:
  ///   - task: the text to show until the daemon reports progress.
  ///   - verbose: true to show everything at once, each step on a line of its own.
  package init(_ task: String, verbose: Bool, terminal: Terminal = .error, delay: Duration = .seconds(1)) {
    self.terminal = terminal
    oneLine = terminal.isTerminal && !verbose
    state = Mutex(State(latest: task, showing: verbose))
    if verbose { return }
    Task { [self] in
      try? await Task.sleep(for: delay)
      state.withLock { state in
        guard !state.ended else { return }
        state.showing = true
        draw(&state)
      }
    }
  }

  package func step(_ text: String) {
    state.withLock { state in
      guard !state.ended else { return }
      state.latest = text
      if state.showing { draw(&state) }
    }
  }

  /// Takes a line from the daemon: a step, or a warning, which stays.
  package func take(_ text: String) {
    guard let warning = EarlyWarning.text(of: text) else { return step(text) }
    state.withLock { state in
      clear(&state)
      ErrorOutput.warnEarly(warning, terminal: terminal)
      if state.showing, !state.ended { draw(&state) }
    }
  }

  /// Removes the line, so that only the result remains.
  package func end() {
    state.withLock { state in
      clear(&state)
      state.ended = true
    }
  }

  private func clear(_ state: inout State) {
    guard oneLine, state.drawn != nil, !state.ended else { return }
    var drawing = TerminalDrawing()
    drawing.clearLine()
    terminal.draw(drawing)
    state.drawn = nil
  }

  private func draw(_ state: inout State) {
    // The same step may be reported twice: by the command and by the daemon.
    guard state.drawn != state.latest else { return }
    state.drawn = state.latest
    guard oneLine else { return terminal.line(state.latest) }
    // A wrapped line could not be removed.
    var drawing = TerminalDrawing()
    drawing.clearLine()
    drawing.text(terminal.paint(String(TerminalText.cell(state.latest).prefix(max(1, terminal.columns - 1))), .faint))
    terminal.draw(drawing)
  }
}
