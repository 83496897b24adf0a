import DevLoop
import TerminalText

/// The last lines of the terminal: the present status, below the lines that scroll. Pure: takes events, gives drawings.
struct StatusBlock: Sendable {
  private var activity = "reading the configuration"
  private var place = ""
  private var workloads: [String: String] = [:]
  private var forwards: [String: String] = [:]
  private var intercept = ""
  private var lastSave = ""
  private var problem = ""
  private var height = 0

  mutating func take(_ event: DevEvent) {
    switch event {
    case .configured(let event): place = "\(event.context)/\(event.namespace)"
    case .watching(let event): activity = "watching \(event.directories) directories"
    case .changed:
      problem = ""
      workloads = [:]
    case .building(let event): activity = "building \(event.artifacts.joined(separator: ", "))"
    case .built(let event): activity = "loading \(event.artifact)"
    case .loaded: activity = "applying"
    case .applied: activity = "waiting until it is ready"
    case .waiting(let event): workloads[event.object] = event.reason ?? "\(event.ready) of \(event.wanted) ready"
    case .ready:
      activity = "ready"
      workloads = [:]
    case .forwarded(let event):
      forwards["\(event.namespace)/\(event.target):\(event.port)"] = "\(event.host) → \(event.target):\(event.port)"
    case .unforwarded(let event):
      forwards["\(event.namespace)/\(event.target):\(event.port)"] =
        "\(event.host) → \(event.target):\(event.port) (closed)"
    case .intercepted(let event): intercept = "\(event.context)/\(event.namespace)/\(event.service) → \(event.to)"
    case .failed(let error):
      activity = "waiting for a change"
      problem = error.message
    case .recovered: problem = ""
    case .timeline(let timeline): lastSave = Self.text(timeline)
    case .replayed(let event): lastSave += (lastSave.isEmpty ? "" : "; ") + event.summary
    case .buildOutput, .synced, .mirrored, .pruned, .log, .warning, .deleted: break
    }
  }

  private static func text(_ timeline: Timeline) -> String {
    guard let last = timeline.answered ?? timeline.ready ?? timeline.synced ?? timeline.applied else { return "" }
    return "\(timeline.isOfSave ? "last save" : "start"): up to date after \(last) ms"
  }

  private var lines: [String] {
    var lines = ["devtunnel watch · \(place.isEmpty ? "" : place + " · ")\(activity)"]
    lines += workloads.sorted { $0.key < $1.key }.prefix(5).map { "  \($0.key): \($0.value)" }
    lines += forwards.values.sorted().prefix(8).map { "  \($0)" }
    if !intercept.isEmpty { lines.append("  \(intercept)") }
    if !lastSave.isEmpty { lines.append("  \(lastSave)") }
    if !problem.isEmpty { lines.append("  failed: \(problem)") }
    return lines
  }

  /// Removes the block, writes lines in its place, and draws it again below them.
  /// - Parameter rows: of the terminal; a higher block could not be removed.
  mutating func redraw(over text: [String], columns: Int, rows: Int = 24, paint: (String) -> String) -> TerminalDrawing
  {
    var drawing = erase()
    text.forEach { drawing.line($0) }
    // A wrapped line could not be removed either.
    let lines = lines.prefix(max(1, rows - 2)).map {
      String(TerminalText.cell(String($0.prefix { !$0.isNewline })).prefix(max(1, columns - 1)))
    }
    lines.forEach { drawing.line(paint($0)) }
    height = lines.count
    return drawing
  }

  mutating func erase() -> TerminalDrawing {
    defer { height = 0 }
    var drawing = TerminalDrawing()
    if height > 0 { drawing.clearFrom(linesAbove: height) }
    return drawing
  }
}
