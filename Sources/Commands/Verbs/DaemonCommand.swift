import ArgumentParser
import ControlAPI
import Daemon
import FoundationEssentials
import Logging

/// The hidden command that the first command starts as the daemon.
struct DaemonCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "daemon", abstract: "Runs the daemon.", shouldDisplay: false, subcommands: [DaemonRun.self])
}

struct DaemonRun: AsyncParsableCommand, HandlesSignals {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs the daemon in the foreground.", discussion: "SIGTERM and devtunnel quit end it."
  )

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let paths = ControlPaths(environment: ProcessInfo.processInfo.environment)
    try await DaemonProcess.run(paths: paths, logLevel: global.logLevel ?? (global.verbose ? .debug : .info))
  }
}
