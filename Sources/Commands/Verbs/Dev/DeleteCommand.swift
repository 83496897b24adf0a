import ArgumentParser
import DevLoop

struct DeleteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Deletes what watch or deploy left in the cluster.",
    discussion: """
      A label on the objects themselves says what belongs to it: the manifests may have changed meanwhile.

      EXAMPLES:
        devtunnel delete
        devtunnel delete --wait    and wait until it is gone
      """)

  @OptionGroup var project: ProjectArguments

  @Option(
    help: ArgumentHelp(
      "Allow this context although its cluster is not on this machine; remembered for this repository.",
      valueName: "name"))
  var allowContext: [String] = []

  @Flag(help: "Wait until everything is gone.")
  var wait = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    var context = try LoopContext(global, project: project)
    context.setup.allowedContexts = Set(allowContext)
    let objects = try await context.setup.delete(waiting: wait).map(\.description)
    try context.context.show(objects, outputOptions) { $0.isEmpty ? ["nothing was there"] : $0.map { "deleted \($0)" } }
  }
}
