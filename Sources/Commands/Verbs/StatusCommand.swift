import ArgumentParser
import ControlAPI

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows the daemon, its intercepts, forwards and sessions.",
    discussion: """
      EXAMPLES:
        devtunnel status
        devtunnel status --output json | jq .daemon.pid
      """)

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    let status = try await context.call(StatusRequest(), task: "asking the daemon…")
    if let daemon = status.daemon,
      let mismatch = BuildVersion.mismatch(
        daemon: BuildVersion(version: daemon.version, build: daemon.build), command: .current)
    {
      ErrorOutput.warn([mismatch.message, mismatch.remedy].compactMap { $0 }.joined(separator: "; "))
    }
    try context.show(status, outputOptions) { $0.lines }
  }
}
