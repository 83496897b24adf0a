import ArgumentParser
import ControlAPI

struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Undoes what intercepts left in the cluster, from any machine.",
    discussion: """
      Puts Services and workloads of the namespace back as they were and deletes the agents. \
      Objects that someone is using stay, except with --yes.

      EXAMPLES:
        devtunnel restore -n testbed
        devtunnel restore user --yes
      """)

  @Argument(help: "Only this Service (default: all in the namespace).", transform: checked(ObjectName.parseService))
  var service: String?

  @Flag(name: [.short, .long], help: "Also undo what another holder is using.")
  var yes = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    let request = RestoreRequest(cluster: global.cluster(context.settings), service: service, force: yes)
    let report = try await context.call(request, task: "restoring…")
    try context.show(report, outputOptions) { $0.lines }
  }
}
