import ArgumentParser
import Commands
import ControlAPI

struct LabDown: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Ends a lab and removes everything of it.",
    discussion: "Also removes the remains of a lab whose process was killed. Does nothing if there is none.")

  @OptionGroup var lab: LabOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    try LabRequirements.checkRoot("down")
    let line = ProgressLine("ending the lab…", verbose: global.verbose)
    defer { line.end() }
    if try await !LabProcess(paths: lab.paths).remove() { Terminal.error.line("No lab named \(lab.name) runs.") }
  }
}
