import ArgumentParser
import ControlAPI

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Checks whether devtunnel can work here, and says what to do if not.",
    discussion: """
      Checks the kubeconfig, the API server, your permissions in the namespace, that an agent starts, \
      and its round-trip time. Exit status 1 if a check failed.

      EXAMPLES:
        devtunnel doctor -n testbed
      """)

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    let checks = try await context.call(
      DoctorRequest(cluster: global.cluster(context.settings)), task: "checking…")
    try context.show(checks, outputOptions) { $0.lines(.output) }
    if checks.contains(where: { $0.outcome == .failed }) { throw ExitCode(1) }
  }
}
