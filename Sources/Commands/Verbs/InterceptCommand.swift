import ArgumentParser
import ControlAPI

struct InterceptCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "intercept", abstract: "Lets a Service's requests arrive at this machine.",
    usage: """
      devtunnel intercept <service> … [--port <host:service> …] [<options>] [-- <command> …]
      devtunnel intercept <kind>/<workload> [--port <service:host:service-port> …] [<options>]
      """,
    discussion: """
      Returns once new connections to the Service arrive at the host port. Connections that the host refuses, \
      and all connections while this machine is away, go to the Service's own Pods. \
      Ctrl-C while it is being set up undoes it; devtunnel leave ends it.

      With --to, --to-context or --to-namespace the requests go into another cluster, such as the one on this machine, \
      without a port here: to its Service of the same name, or to the target that --to names. \
      --port then takes a port of that target.

      Several Services, or a workload for all of its Services, are intercepted together: all of them, or none. \
      --port then names the Service, too.

      With --personal, --header and the like, only the requests that match arrive here; all others go to the Service's \
      own Pods, or to others who intercept the Service. Of several rules that match, the strictest wins. With --mirror \
      only copies arrive here, and nobody waits for this machine.

      EXAMPLES:
        devtunnel intercept user               each port, to the same port here
        devtunnel intercept user --port 8080   its only port, to 127.0.0.1:8080
        devtunnel intercept user --port 8080:http --port 9090:grpc
        devtunnel intercept user user-admin --port user:8080:http --port user-admin:9090
        devtunnel intercept deploy/user        all Services of a workload
        devtunnel intercept user --port 8080 --env-file .env
        devtunnel intercept worker --replace   without its own Pods
        devtunnel intercept user --port 8080 -- go run ./cmd/user
        devtunnel intercept user --port 8080 --personal         requests with header x-devtunnel: USER
        devtunnel intercept user --port 8080 --header x-tenant='blue-*' --path '/api/*'
        devtunnel intercept user --port 9090 --grpc shop.Users/Get
        devtunnel intercept user --port 8080 --mirror --method GET      copies, whose answers are dropped
        devtunnel intercept user --explain 'GET /api/users' -H 'x-tenant: blue-7'    who would get it
        devtunnel intercept user --to-context kind-dev                  each port, to that of Service user there
        devtunnel intercept user --to-context kind-dev --to deploy/user-v2 --port 8080:http
      """)

  @Argument(
    help: "The Services, eight at most, or a workload (deploy/NAME) for all of its Services.",
    transform: checked(ObjectName.parseIntercepted))
  var service: String
  @OptionGroup var further: FurtherServices

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      """
      A port of the host (or of --to), and one of the Service's ports, by number or name; with several Services, the \
      Service's name first; may be repeated.
      """,
      valueName: "[service:]host[:port]"),
    transform: checked { text throws(ControlError) in try ServicePort(argument: text) })
  var port: [ServicePort] = []

  @Option(
    help: ArgumentHelp("The address on which the process listens here (default: 127.0.0.1).", valueName: "ip"),
    transform: checked(HostAddress.parse))
  var address: String?

  @Option(
    help: ArgumentHelp(
      "Write the workload's environment to this file, KEY=VALUE lines; - is stdout.", valueName: "file"),
    completion: .file())
  var envFile: String?

  @Option(
    help: ArgumentHelp(
      "The application's container, if that is not clear; for --keep-containers its port too, if that is not.",
      valueName: "name[:port]"),
    transform: checked(ContainerArgument.parse))
  var container: ContainerArgument?

  @Flag(
    help: """
      Run the Pods' other containers beside the agent: requests pass a gate or proxy in front of the application.
      """)
  var keepContainers = false

  @Option(help: ArgumentHelp("An image for the agent other than the workload's own.", valueName: "image"))
  var agentImage: String?

  @Flag(help: "Reset a connection that the host refuses, instead of passing it to the Service's own Pods.")
  var refuse = false

  @Flag(
    help: "Scale the workload to zero meanwhile: for consumers of queues. Nothing takes over when this machine is away."
  )
  var replace = false

  @Flag(help: "Intercept a headless Service: its name resolves to the agent, for clients that ask DNS again.")
  var headless = false

  @Option(
    help: ArgumentHelp(
      "Restart the workload's Pods so that open connections move too: yes, no or auto (default).", valueName: "choice"))
  var moveConnections: MoveConnections?

  @Option(
    help: ArgumentHelp(
      """
      End connections that went to the Service's own Pods while this machine did not answer, so long after it answers \
      again (default: never). HTTP/1.1 and HTTP/2 without TLS come back by themselves; this is for all others, and for \
      streams that last.
      """, valueName: "seconds"),
    transform: { text in
      guard let value = Double(text), value > 0, value <= 31_536_000 else {
        throw ValidationError("must be a number of seconds above 0, a year at most")
      }
      return value
    })
  var homeAfter: Double?

  @Flag(help: "Take the intercept over from its present holder.")
  var takeOver = false

  @OptionGroup(title: "Some requests only") var rules: RuleArguments

  @Flag(
    name: [.long, .customLong("mirror-requests")],
    help: """
      Take copies only, of some requests or of all that arrives: the answers here are dropped, and the requests go \
      where they would go without it.
      """)
  var mirror = false

  @Option(
    help: ArgumentHelp("Refused: the agent cannot end a port's TLS. See docs/sharing.md.", visibility: .private))
  var tlsSecret: String?

  @OptionGroup var explained: ExplainArguments
  @OptionGroup(title: "Into another cluster") var target: TargetArguments
  @OptionGroup var shell: ShellArguments
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp(
      "Run this in a shell whose network is the cluster's, and intercept while it lives.", valueName: "command"))
  var command: [String] = []

  func validate() throws {
    if !command.isEmpty, envFile != nil {
      throw ValidationError("--env-file is not needed: the command has the workload's environment")
    }
    if envFile == "-", outputOptions.output == .json {
      throw ValidationError("--env-file - and --output json both print to stdout: name a file for the environment")
    }
    if target.isNamed, address != nil || !command.isEmpty {
      throw ValidationError("--to names another cluster: --address, or a command, is for this machine")
    }
    if explained.explain != nil, !command.isEmpty || isWorkload || envFile != nil {
      throw ValidationError("--explain changes nothing: name Services, without a command and without --env-file")
    }
    if target.toAgentImage != nil, !target.isNamed {
      throw ValidationError("--to-agent-image needs --to, --to-context or --to-namespace")
    }
    if !command.isEmpty, address != nil {
      throw ValidationError("--address has no meaning here: the command listens in the shell")
    }
    if !isWorkload {
      do throws(ControlError) { try port.check(services) } catch { throw ValidationError(error.message) }
    }
    if services.count > 1, services.contains(where: { $0.contains("/") }) {
      throw ValidationError("a workload means all of its Services: name it alone")
    }
    if Set(services).count < services.count { throw ValidationError("a Service is named twice") }
    if isWorkload || services.count > 1, !command.isEmpty || target.to != nil {
      throw ValidationError("several Services, or a workload, go without --to and without a command")
    }
    if container?.port != nil, !keepContainers {
      throw ValidationError(
        "--container NAME:PORT is for --keep-containers: else the agent listens where the Service sends")
    }
    if replace, wantedRules != nil {
      throw ValidationError(
        mirror
          ? "--replace leaves no Pods to answer the requests: leave out --replace, or --mirror"
          : "--replace leaves no Pods for the other requests: leave out --replace, or the options that choose requests")
    }
    if tlsSecret != nil {
      throw ValidationError(
        """
        the agent cannot end TLS: the smallest library for it has 64 KB, and the agent may have 256 KB in all. \
        --sni NAME takes whole connections by the server's name, and your process ends their TLS
        """)
    }
    if mirror { try rules.checkMirror() }
    if mirror, refuse {
      throw ValidationError("--mirror drops the answers here, refusals as well: leave out --refuse, or --mirror")
    }
    if homeAfter != nil, wantedRules != nil {
      throw ValidationError(
        "--home-after would end everybody's connections: leave it out, or the options that choose requests or copies")
    }
    if replace, moveConnections == .yes {
      throw ValidationError(
        "--move-connections yes restarts the workload, and --replace scales it to zero: leave one of them out")
    }
  }

  /// The rules of the intercept; nil for all that arrives.
  private var wantedRules: RequestRules? { rules.rules(mirror: mirror) }

  private var services: [String] { [service] + further.names }
  private var isWorkload: Bool { service.contains("/") }

  func run() async throws {
    let context = try CommandContext(global)
    if let request = explained.explain { return try await explain(request, context) }
    if !command.isEmpty { return try await enter(context) }
    let file = try envFile.map { path throws(ControlError) in try EnvironmentFile(path: path) }
    let names = try await isWorkload ? everyService(context) : services
    var reports: [InterceptReport] = []
    do {
      for name in names {
        // One workload has one environment.
        let request = self.request(for: name, context.settings, environment: file != nil && reports.isEmpty)
        reports.append(try await context.call(request, task: "intercepting \(name)…"))
        // After a Ctrl-C just before the answer: too late to cancel, but not to undo.
        try Task.checkCancellation()
      }
      if let file, let warning = try file.write(reports.first?.environment ?? [:]) { ErrorOutput.warn(warning) }
    } catch {
      for report in reports.reversed() { try await undo(report, context) }
      let all = names.joined(separator: ", ")
      throw error is CancellationError ? ControlError(.cancelled, "cancelled: \(all) is not intercepted") : error
    }
    ErrorOutput.warn(reports.flatMap(\.warnings))
    let terminal: Terminal = file?.isStandardOutput == true ? .error : .output
    if !isWorkload, names.count == 1, let report = reports.first {
      try context.show(report, outputOptions, on: terminal) { $0.summary }
    } else {
      try context.show(reports, outputOptions, on: terminal) { $0.summary }
    }
  }

  /// Returns the Services of the workload.
  private func everyService(_ context: CommandContext) async throws -> [String] {
    let list = ListRequest(cluster: global.cluster(context.settings), workload: service)
    let entries = try await context.call(list, task: "asking the cluster…")
    for entry in entries {
      guard let obstacle = entry.obstacle else { continue }
      throw ControlError(
        .refused, "Service \(entry.service) of \(service) cannot be intercepted: \(obstacle)",
        remedy: "Name the others: devtunnel intercept SERVICE …")
    }
    let names = entries.map(\.service)
    try port.check(names)
    return names
  }

  private func explain(_ asked: ExplainedRequest, _ context: CommandContext) async throws {
    var reports: [ExplainReport] = []
    for name in services {
      let request = explainRequest(asked, for: name, context.settings)
      reports.append(try await context.call(request, task: "asking the cluster…"))
    }
    try context.show(reports, outputOptions) { $0.flatMap { $0.lines("\(asked.method) \(asked.target)") } }
  }

  private func explainRequest(_ asked: ExplainedRequest, for service: String, _ settings: Settings) -> ExplainRequest {
    ExplainRequest(
      request(for: service, settings, environment: false), method: asked.method, target: asked.target,
      headers: explained.headers)
  }

  /// Returns the request of `--explain` for the first Service.
  func explainRequest(_ settings: Settings) throws(ControlError) -> ExplainRequest {
    guard let asked = explained.explain else { throw ControlError(.badInput, "there is no request to explain") }
    return explainRequest(asked, for: service, settings)
  }

  private func enter(_ context: CommandContext) async throws {
    var intercept = request(for: service, context.settings, environment: false)
    intercept.address = "127.0.0.1"
    var request = shell.request(intercept.cluster)
    request.container = container?.name
    request.intercept = intercept
    let report = try await context.call(request, task: "intercepting \(service)…")
    try Task.checkCancellation()
    ErrorOutput.warn(report.warnings)
    try ShellEntry(report, command: command).enter()
  }

  func request(for service: String, _ settings: Settings, environment: Bool) -> InterceptRequest {
    var request = InterceptRequest(cluster: global.cluster(settings), service: service, ports: port.of(service))
    request.rules = wantedRules
    request.target = target.target(of: service, in: request.cluster)
    request.address = address ?? settings.address ?? "127.0.0.1"
    request.container = container?.name
    request.containerPort = container?.port
    request.keepContainers = keepContainers
    request.agentImage = agentImage ?? settings.agentImage
    request.refuse = refuse
    request.replace = replace
    request.headless = headless
    // Pods that are scaled to zero end their connections.
    request.moveConnections = replace ? .no : moveConnections ?? settings.moveConnections ?? .auto
    request.homeAfter = homeAfter
    request.takeOver = takeOver
    request.environment = environment
    request.variables = shell.variables
    return request
  }

  private func undo(_ report: InterceptReport, _ context: CommandContext) async throws {
    var leave = LeaveRequest(report.id)
    leave.drain = 0
    // Another task: this one is cancelled already.
    let undoing = Task { [leave] in
      try await context.call(leave, task: "undoing…")
    }
    _ = try await undoing.value
  }
}
