import ArgumentParser
import ControlAPI

struct LeaveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "leave", abstract: "Ends an intercept.",
    discussion: """
      Returns once new connections go to the Service's own Pods again. \
      Connections that are open here get a while to end by themselves.

      EXAMPLES:
        devtunnel leave                     the only one
        devtunnel leave user --drain 5
        devtunnel leave user --context staging
        devtunnel leave --all               with --context or -n: all of that cluster or namespace
      """)

  @Argument(help: "The Service (default: the only one intercepted).", transform: checked(ObjectName.parseService))
  var service: String?

  @Flag(help: "End every intercept of this daemon.")
  var all = false

  @Option(
    help: ArgumentHelp("The time that connections on this machine may last (default: 30).", valueName: "seconds"),
    transform: { text in
      guard let value = Double(text), value >= 0, value.isFinite else {
        throw ValidationError("must be a number of seconds, 0 or more")
      }
      return value
    })
  var drain: Double?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if all, service != nil { throw ValidationError("name a Service or --all, not both") }
  }

  func run() async throws {
    let context = try CommandContext(global)
    var request = LeaveRequest(
      cluster: global.namedCluster(context.settings), namespace: global.namespace, service: service, all: all)
    request.drain = drain ?? context.settings.drain ?? 30
    let reports = try await context.call(
      request,
      task: "leaving \(service ?? (all ? "everything" : "the intercept"))…")
    try context.show(reports, outputOptions) { $0.isEmpty ? ["Nothing is intercepted."] : $0.lines }
  }
}
