import ArgumentParser
import ControlAPI

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows the daemon, its intercepts, forwards and sessions.",
    discussion: """
      With --watch it goes on: on a terminal the tables are redrawn as things change, elsewhere each change is a line. \
      With --output json the first line is a snapshot, and each further one a change of it.

      EXAMPLES:
        devtunnel status
        devtunnel status --watch
        devtunnel status --output json | jq .daemon.pid
        devtunnel status --watch --output json | jq -c 'select(.kind == "intercept")'
      """)

  @Flag(name: [.short, .long], help: "Go on with changes as they come, until Ctrl-C.")
  var watch = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    if watch { return try await follow(context) }
    let status = try await context.call(StatusRequest(), task: "asking the daemon…")
    if let daemon = status.daemon,
      let mismatch = BuildVersion.mismatch(
        daemon: BuildVersion(version: daemon.version, build: daemon.build), command: .current)
    {
      ErrorOutput.warn([mismatch.message, mismatch.remedy].compactMap { $0 }.joined(separator: "; "))
    }
    try context.show(status, outputOptions) { $0.lines }
  }

  private func follow(_ context: CommandContext) async throws {
    let display = StatusDisplay(outputOptions.output ?? context.settings.output ?? .table)
    let drawing = Task { await display.draw() }
    defer {
      drawing.cancel()
      display.end()
    }
    try await withTaskCancellationHandler {
      try await StatusWatcher(context: context).run { display.take($0) }
    } onCancel: {
      display.end()
    }
  }
}
