import ArgumentParser
import Commands
import ControlAPI

struct LabStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows a lab's API server, kubeconfig, process and Pods.",
    discussion: "Fails if no such lab runs.")

  @OptionGroup var lab: LabOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let (paths, record) = try lab.running()
    let report = LabReport(paths, record, pods: try await LabCluster(paths).pods())
    try CommandContext(global).show(report, outputOptions) { $0.lines }
  }
}
