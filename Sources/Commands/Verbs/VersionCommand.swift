import ArgumentParser
import ControlAPI

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Prints versions, and where the agent is, as JSON.",
    discussion: "EXAMPLES:\n  devtunnel version | jq .agent.size")

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() throws { Terminal.output.line(try JSONOutput.text(VersionReport.current())) }
}
