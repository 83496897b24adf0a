import ArgumentParser
import ControlAPI

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Prints versions and the agent's path: as JSON, unless --output table is given.",
    discussion: "EXAMPLES:\n  devtunnel version | jq .agent.size")

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() throws {
    let report = VersionReport.current()
    switch outputOptions.output ?? .json {
    case .json: Terminal.output.line(try JSONOutput.text(report))
    case .table: report.lines.forEach(Terminal.output.line)
    }
  }
}
