import ArgumentParser
import CControl
import ControlAPI

struct ConnectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connect",
    abstract: "Connects programs of this machine to the cluster: through a proxy, or all of them.",
    discussion: """
      For browsers and IDEs, and if user namespaces are forbidden. One port speaks SOCKS5 and HTTP CONNECT; \
      names are resolved in the cluster. The daemon keeps it until disconnect or quit.

      --host is for local clusters, whose Pods with dnsPolicy Default ask this machine's resolver and take its routes: \
      TCP to the cluster's addresses goes there, and Pods bridged to this machine get its names. \
      sudo is used if you are not root; Ctrl-C ends it, and nothing stays.

      EXAMPLES:
        devtunnel connect --proxy
        devtunnel connect --proxy --port 1080 -n shop
        devtunnel connect --host
        eval "$(devtunnel connect --proxy --shell-variables)"
      """)

  @Flag(help: "A SOCKS5 and HTTP proxy on a port of this machine.")
  var proxy = false

  @Flag(help: "The whole machine and Pods bridged to it, as long as the command runs; needs root.")
  var host = false

  @Flag(help: ArgumentHelp("Ends when the program that started it does.", visibility: .hidden))
  var withParent = false

  @Option(help: ArgumentHelp("The proxy's port (default: any free one).", valueName: "port"))
  var port: UInt16 = 0

  @Option(
    help: ArgumentHelp("The address to listen on (default: 127.0.0.1).", valueName: "ip"),
    transform: checked(HostAddress.parse))
  var address: String?

  @Flag(help: "Print export lines alone, for eval.")
  var shellVariables = false

  @Option(help: ArgumentHelp("An image for the agent other than that of a running Pod.", valueName: "image"))
  var agentImage: String?

  @Option(
    help: ArgumentHelp(
      "With --host: a cluster on this machine, whose addresses stay its own; may be repeated. Most are found.",
      valueName: "context"))
  var localContext: [String] = []

  @Option(
    help: ArgumentHelp(
      "With --host: a range to take addresses from, in place of ranges that this machine uses; may be repeated.",
      valueName: "cidr"))
  var mapInto: [String] = []

  @Option(
    help: ArgumentHelp(
      "With --host: an interface whose Pods are routed too, beside the bridges that are found; "
        + "may be repeated, and end with a star.",
      valueName: "name"),
    transform: checked(InterfaceName.parse))
  var bridge: [String] = []

  @OptionGroup var outbound: OutboundArguments
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    guard proxy != host else { throw ValidationError("say what to open: --proxy or --host") }
    guard host || localContext.isEmpty && mapInto.isEmpty && bridge.isEmpty else {
      throw ValidationError("--local-context, --map-into and --bridge belong to --host")
    }
  }

  func run() async throws {
    let context = try CommandContext(global)
    var request = ConnectRequest(cluster: global.cluster(context.settings))
    request.port = port
    request.address = address ?? context.settings.address ?? "127.0.0.1"
    request.agentImage = agentImage ?? context.settings.agentImage
    request.outbound = outbound.options
    if withParent { ccontrol_end_with_parent() }
    if host {
      request.localContexts = localContext
      request.mapInto = mapInto
      request.bridges = bridge
      let report = try await context.call(
        ConnectHostRequest(request), task: "connecting this machine…")
      try Task.checkCancellation()
      report.warnings.forEach { ErrorOutput.warn($0) }
      return try HostEntry(report).enter()
    }
    let report = try await context.call(request, task: "opening the proxy…")
    if Task.isCancelled {
      let id = report.id
      let closing = Task {
        try await context.call(DisconnectRequest(id: id), task: "undoing…")
      }
      _ = try await closing.value
      return
    }
    report.warnings.forEach { ErrorOutput.warn($0) }
    let exports = (report.variables ?? [:]).sorted { $0.key < $1.key }.map { "export \($0.key)=\($0.value)" }
    if shellVariables { return exports.forEach(Terminal.output.line) }
    try context.show(report, outputOptions) {
      ["A proxy into \($0.context), namespace \($0.namespace), listens on \($0.address ?? ""): SOCKS5 and HTTP."]
        + exports.map { "  " + $0 }
        + ["devtunnel disconnect \($0.id) closes it."]
    }
  }
}

struct DisconnectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disconnect", abstract: "Closes a proxy that connect opened.",
    discussion: """
      EXAMPLES:
        devtunnel disconnect      the only one
        devtunnel disconnect p2   status shows the ID
      """)

  @Argument(help: "Its ID.")
  var id: String?

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    _ = try await context.call(
      DisconnectRequest(id: id), task: "closing the proxy…")
  }
}
