import ArgumentParser
import ControlAPI

struct ForwardCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward", abstract: "Opens ports here that forward to a Service or Pod.",
    discussion: """
      Returns once the ports listen; the daemon keeps them, also when a Pod is replaced, until --stop or quit. \
      With --foreground the command stays, and Ctrl-C or its end closes them.

      EXAMPLES:
        devtunnel forward db 5432               127.0.0.1:5432 → Service db, port 5432
        devtunnel forward web 8080:http         127.0.0.1:8080 → its port http
        devtunnel forward pod/db-0 :5432        any free port
        devtunnel forward --foreground db 5432
        devtunnel forward --stop ID             status shows the ID
      """)

  @Argument(
    help: "A Service, or KIND/NAME: svc, pod, deploy, sts, ds, rs, job.", transform: checked(ObjectName.parseTarget))
  var target: String?

  @Argument(
    help: ArgumentHelp("A port, by number or name, and the port here.", valueName: "[host:]port"),
    transform: checked { text throws(ControlError) in try ForwardRequest.Port(argument: text) })
  var ports: [ForwardRequest.Port] = []

  @Option(
    help: ArgumentHelp("The address to listen on (default: 127.0.0.1).", valueName: "ip"),
    transform: checked(HostAddress.parse))
  var address: String?

  @Option(help: ArgumentHelp("An image for the agent other than that of a running Pod.", valueName: "image"))
  var agentImage: String?

  @Flag(help: "Stay, and close the ports at the end.")
  var foreground = false

  @Option(help: ArgumentHelp("Close a forward's ports.", valueName: "id"))
  var stop: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if stop != nil {
      guard target == nil, !foreground else { throw ValidationError("--stop takes an ID alone") }
      return
    }
    guard target != nil else { throw ValidationError("name a Service or KIND/NAME, and its ports") }
    guard !ports.isEmpty else { throw ValidationError("name at least one port") }
    var taken: Set<UInt16> = []
    for port in ports where port.host != 0 && !taken.insert(port.host).inserted {
      throw ValidationError("port \(port.host) of this machine is given twice")
    }
  }

  func run() async throws {
    let context = try CommandContext(global)
    if let stop {
      _ = try await context.call(
        StopForwardRequest(id: stop), task: "stopping \(stop)…")
      return
    }
    var request = ForwardRequest(cluster: global.cluster(context.settings), target: target ?? "", ports: ports)
    request.address = address ?? context.settings.address ?? "127.0.0.1"
    request.agentImage = agentImage ?? context.settings.agentImage
    request.foreground = foreground
    let task = "opening the connection to \(request.target)…"
    guard foreground else {
      let report = try await context.call(request, task: task)
      if Task.isCancelled { return try await close(report, context) }
      report.warnings.forEach { ErrorOutput.warn($0) }
      return try context.show(report, outputOptions) { $0.summary + ["devtunnel forward --stop \($0.id) closes it."] }
    }
    let outputOptions = outputOptions
    _ = try await context.call(request, task: task) { report in
      report.warnings.forEach { ErrorOutput.warn($0) }
      // A report has only strings and numbers; writing them cannot fail.
      try? context.show(report, outputOptions) { $0.summary + ["Ctrl-C closes it."] }
    }
    if !Task.isCancelled { ErrorOutput.warn("the forward was stopped by another command") }
  }

  /// Closes the forward after a Ctrl-C just before the answer.
  private func close(_ report: ForwardReport, _ context: CommandContext) async throws {
    let closing = Task {
      try await context.call(StopForwardRequest(id: report.id), task: "undoing…")
    }
    _ = try await closing.value
  }
}
