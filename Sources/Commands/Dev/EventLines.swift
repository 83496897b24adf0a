import DevLoop
import FoundationEssentials
import TerminalText

/// A loop's events as lines for people.
struct EventLines: Sendable {
  /// Shows each line of a builder, and the progress of workloads, as they come.
  var verbose = false
  /// Paths below it are shown without it.
  var directory = FileManager.default.currentDirectoryPath
  var paint: @Sendable (String, Terminal.Color) -> String = { text, _ in text }

  func lines(_ event: DevEvent) -> [String] {
    switch event {
    case .configured(let event): configured(event)
    case .watching(let event):
      [paint("watching \(count(event.directories, "directory", "directories")) for changes", .faint)]
    case .changed(let event): [changed(event)]
    case .building(let event): ["building \(event.artifacts.joined(separator: ", "))"]
    case .buildOutput(let event): verbose ? [paint("\(event.artifact): \(TerminalText.still(event.line))", .faint)] : []
    case .built(let event):
      ["built \(event.artifact)" + (event.cached ? " (nothing had changed)" : " in \(seconds(event.milliseconds))")]
    case .loaded(let event): ["loaded \(event.reference) in \(seconds(event.milliseconds))"]
    case .synced(let event): [synced(event)]
    case .mirrored(let event): event.objects.map { "copied \($0) from \(event.from)" }
    case .applied(let event): applied(event)
    case .pruned(let event), .deleted(let event): event.objects.map { "deleted \($0)" }
    case .waiting(let event):
      verbose ? ["waiting for \(event.object): \(event.reason ?? "\(event.ready) of \(event.wanted) ready")"] : []
    case .ready(let event): [paint("ready", .green) + " after \(seconds(event.milliseconds))"]
    case .recovered(let event): [paint("ready again:", .green) + " " + event.object]
    case .forwarded(let event):
      ["\(event.host) → \(event.target):\(event.port) in \(event.namespace)" + (event.note.map { " (\($0))" } ?? "")]
    case .unforwarded(let event):
      [
        paint("closed:", .yellow) + " \(event.host) → \(event.target):\(event.port) in \(event.namespace)"
          + (event.note.map { " (\($0))" } ?? "")
      ]
    case .intercepted(let event):
      ["Service \(event.service) in \(event.context)/\(event.namespace) → \(event.to)"]
        + (event.requests.map { ["  \(TerminalText.still($0))"] } ?? [])
    case .log(let event): [log(event)]
    case .warning(let event): [paint("warning:", .yellow) + " " + ErrorOutput.indented(short(event.message))]
    case .failed(let error): failed(error)
    case .timeline(let event): timeline(event)
    case .replayed(let event): replayed(event)
    }
  }

  private func synced(_ event: DevEvent.Synced) -> String {
    let containers =
      "\(count(event.containers, "container", "containers")) of \(event.artifact) in \(seconds(event.milliseconds))"
    let removed = "removed \(count(event.removed, "file", "files"))"
    if event.removed == 0 { return "synced \(count(event.files, "file", "files")) into \(containers)" }
    return event.files == 0
      ? "\(removed) from \(containers)"
      : "synced \(count(event.files, "file", "files")) and \(removed) in \(containers)"
  }

  private func configured(_ event: DevEvent.Configured) -> [String] {
    let files = event.files.map(short).joined(separator: ", ")
    let profiles = event.profiles.isEmpty ? "" : " with profile \(event.profiles.joined(separator: ", "))"
    return [
      "\(files.isEmpty ? "the command line" : files)\(profiles): "
        + "\(count(event.artifacts.count, "image", "images"))"
        + "\(event.builder.isEmpty ? "" : ", built by \(event.builder)")",
      event.context.isEmpty ? nil : "into namespace \(event.namespace) of context \(event.context): \(event.cluster)",
    ].compactMap { $0 }
  }

  private func changed(_ event: DevEvent.Changed) -> String {
    let what =
      event.count == 1 ? short(event.paths[0]) : event.count == 0 ? "everything may have" : "\(event.count) files"
    let action =
      switch event.action {
      case .reload: "reading the configuration again"
      case .build: "building"
      case .sync: "syncing"
      case .deploy: "deploying"
      }
    return "\(what) changed: \(action)" + (event.restarts ? ", instead of what was under way" : "")
  }

  private func applied(_ event: DevEvent.Applied) -> [String] {
    let changed = event.objects.filter { $0.change != "unchanged" }
    let rest = event.objects.count - changed.count
    let names = changed.map { "\($0.object) (\($0.change))" } + (rest > 0 ? ["\(rest) unchanged"] : [])
    return ["applied in \(seconds(event.milliseconds)): " + names.joined(separator: ", ")]
  }

  private func failed(_ error: LoopError) -> [String] {
    let place = error.position.map { short($0) + ": " } ?? ""
    return [paint("\(error.stage.verb) failed:", .red) + " " + place + ErrorOutput.indented(short(error.message))]
      + error.details.map { "  " + ErrorOutput.indented(TerminalText.still(cut($0))) }
      + (error.remedy.map { [$0] } ?? [])
      + error.others.map { "  " + ErrorOutput.indented(short(TerminalText.still(cut($0)))) }
  }

  /// Shortens a line: a builder may put a whole request into one, which begins with the action and ends with the
  /// reason.
  private func cut(_ line: String) -> String {
    verbose || line.count <= 600 ? line : "\(line.prefix(200)) … \(line.suffix(400))"
  }

  private static let colours: [Terminal.Color] = [.cyan, .magenta, .blue, .yellow, .green]

  private func log(_ event: DevEvent.Log) -> String {
    let name = "\(event.pod) \(event.container)"
    // The same name has the same colour in every run.
    let sum = name.utf8.reduce(UInt32(5381)) { $0 &* 33 &+ UInt32($1) }
    return paint("[\(name)]", Self.colours[Int(sum % UInt32(Self.colours.count))]) + " "
      + TerminalText.still(event.text)
  }

  private func timeline(_ event: Timeline) -> [String] {
    let steps = [
      ("detected", event.detected), ("build started", event.buildStarted), ("built", event.built),
      ("loaded", event.loaded), ("synced", event.synced),
      ("applied", event.applied), ("ready", event.ready), ("answered", event.answered),
    ]
    let text = steps.compactMap { name, time in time.map { "\(name) \($0)" } }.joined(separator: ", ")
    let since = event.isOfSave ? "the save" : "the start"
    return text.isEmpty ? [] : [paint("ms since \(since): \(text)", .faint)]
  }

  private func replayed(_ event: DevEvent.Replayed) -> [String] {
    let isGood = event.same > 0 && event.differs + event.failed == 0
    return event.details.map { "  " + TerminalText.still($0) }
      + [paint(event.summary, isGood ? .green : .yellow) + " in \(seconds(event.milliseconds))"]
  }

  private func short(_ text: String) -> String { text.replacing(directory + "/", with: "") }
  private func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }

  private func seconds(_ milliseconds: Int) -> String {
    milliseconds < 1000 ? "\(milliseconds) ms" : "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
  }
}

extension LoopError.Stage {
  fileprivate var verb: String {
    switch self {
    case .configuration: "reading the configuration"
    case .cleaningUp: "cleaning up"
    case .cluster: "the cluster"
    default: rawValue
    }
  }
}
