import ArgumentParser
import ControlAPI

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows what can be intercepted, and what is, by whom.",
    discussion: """
      EXAMPLES:
        devtunnel list -n testbed
        devtunnel list --all-namespaces --output json
      """)

  @Flag(name: [.customShort("A"), .long], help: "In every namespace.")
  var allNamespaces = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if allNamespaces, global.namespace != nil {
      throw ValidationError("give --namespace or --all-namespaces, not both")
    }
  }

  func run() async throws {
    let context = try CommandContext(global)
    let request = ListRequest(cluster: global.cluster(context.settings), allNamespaces: allNamespaces)
    let entries = try await context.call(request, task: "asking the cluster…")
    let contexts = try await context.call(StatusRequest(), task: "asking the daemon…")
      .contexts
    try context.show(entries, outputOptions) { entries in
      entries.lines(allNamespaces: allNamespaces, allContexts: contexts.union(entries.map(\.context)).count > 1)
    }
  }
}
