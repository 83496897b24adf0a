import ArgumentParser
import ControlAPI
import Exchanges
import Explain

struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Says why a Service's requests do not arrive here.",
    discussion: """
      Looks at each hop between the Service's name and your process, now: the Service, its Pods and endpoints, a \
      connection from inside the cluster, the agent, the rule that the request meets, the tunnel, who listens here, \
      and the answer. The first hop that fails is the verdict. It changes nothing; the request of --request is sent to \
      your process here. Exit status 1 if a hop fails.

      EXAMPLES:
        devtunnel explain user
        devtunnel explain user --request 'GET /api/users' -H 'x-devtunnel: alice'
        devtunnel explain user --port grpc --from
        devtunnel explain user --output json | jq -r .verdict
      """)

  @Argument(help: "The Service.", transform: checked(ObjectName.parseService))
  var service: String

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The Service's port, by number or name (default: the intercepted one, else the first).", valueName: "port"),
    transform: checked { text throws(ControlError) in try PortNumber.parseRemote(text[...]) })
  var port: String?

  @Option(
    help: ArgumentHelp(
      "A request, such as 'GET /api/users': who gets it, and the answer of the process here.", valueName: "request"),
    transform: checked(ExplainedRequest.init))
  var request: ExplainedRequest?

  @Option(
    name: .customShort("H"),
    help: ArgumentHelp("A header of the request; may be repeated.", valueName: "name: value"),
    transform: checked(ExplainedRequest.header))
  var headers: [Exchange.Field] = []

  @Flag(help: "The Service's clients speak TLS, though its port's name and number do not say so.")
  var tls = false

  @Flag(help: "Make a gateway in the namespace if no agent stands there, to connect from inside the cluster.")
  var from = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if request == nil, !headers.isEmpty { throw ValidationError("-H is for --request: name the request, too") }
  }

  func run() async throws {
    let context = try CommandContext(global)
    let explanation = try await explain(context)
    try context.show(explanation, outputOptions) { $0.lines(.output) }
    if !explanation.isWell { throw ExitCode(1) }
  }

  private func explain(_ context: CommandContext) async throws -> Explanation {
    let start = ContinuousClock.now
    func done(_ hops: [WayHop], _ report: WayReport? = nil) -> Explanation {
      let here = report?.host.map { "\($0.place) here" }
      return Explanation(
        hops, service: service, context: report?.context, namespace: report?.namespace ?? global.namespace,
        port: report?.port, end: report.flatMap { $0.taker ?? here },
        milliseconds: Int((ContinuousClock.now - start) / .milliseconds(1)))
    }
    let daemon = await DaemonHop.look(context.paths)
    guard daemon.outcome != .failed else { return done([daemon]) }
    let head = request.map { WayHead(method: $0.method, target: $0.target, headers: headers) }
    var asked = WayRequest(cluster: global.cluster(context.settings), service: service, port: port, head: head)
    asked.makesGateway = from
    let report = try await context.call(asked, task: "looking…")
    guard let host = report.host else { return done([daemon] + report.hops, report) }
    let facts = await HostLook(host: host, request: head, saysTLS: tls).facts()
    return done([daemon] + report.hops + facts.hops, report)
  }
}
