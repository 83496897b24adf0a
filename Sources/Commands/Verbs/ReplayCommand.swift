import ArgumentParser
import ControlAPI
import Exchanges
import HTTPMessages
import Replay

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Sends the requests of a HAR again, and shows the answers that differ.",
    discussion: """
      Compares status, headers that matter, and bodies: JSON by field, gRPC by message. The exit status is 0 if all \
      answers are as they were, 1 if one differs, 2 for a file that is no HAR. Without --to and --service they go to \
      this machine's port of the intercept of the Service that they came from.

      EXAMPLES:
        devtunnel requests user -f --bodies -o har > today.har
        devtunnel replay today.har                            to the process that has the intercept
        devtunnel replay today.har --to 127.0.0.1:8080 --ignore 'body.*.updated' --ignore etag
        devtunnel replay today.har --service user -n staging --header authorization='Bearer …'
        devtunnel replay today.har --only '/api/*' --gaps
      """)

  @Argument(help: ArgumentHelp("A HAR; - is the standard input.", valueName: "file"), completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp("The address to send them to.", valueName: "host:port"),
    transform: checked(ReplayPlace.parse))
  var to: ReplayPlace?

  @Option(
    help: ArgumentHelp("The Service of the cluster to send them to.", valueName: "service[:port]"),
    transform: checked(OpenTarget.parse))
  var service: OpenTarget?

  @Flag(help: "Keep the time between requests.")
  var gaps = false

  @Option(
    help: ArgumentHelp(
      "A field whose difference does not count: a header, status, or a place such as 'body.items[*].id'.",
      valueName: "field"),
    transform: checked(ReplayPattern.parse))
  var ignore: [TextPattern] = []

  @Option(
    help: ArgumentHelp("Only requests for this path, such as '/api/*' or 'GET /*'.", valueName: "path"),
    transform: checked(ReplayPattern.parse))
  var only: [TextPattern] = []

  @Option(
    help: ArgumentHelp("Set this header on each request, such as one that was hidden.", valueName: "name=value"),
    transform: checked(OpenHeader.parse))
  var header: [Exchange.Field] = []

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if to != nil, service != nil { throw ValidationError("--to and --service exclude each other") }
  }

  func run() async throws {
    let context = try CommandContext(global)
    let plan: ReplayPlan
    do throws(ControlError) { plan = try self.plan() } catch {
      ErrorOutput.write(error)
      throw ExitCode(2)
    }
    let report: ReplayReport
    if let to {
      report = await replay(plan, to, context)
    } else if let service {
      report = try await replay(plan, through: service, context)
    } else {
      report = await replay(plan, try await interceptPlace(plan.services, context), context)
    }
    if isJSON(context) {
      Terminal.output.line(try JSONOutput.text(report))
    } else {
      if report.hasNoBodies {
        ErrorOutput.warn("bodies were not kept, and are not compared: record with `devtunnel requests -f --bodies`")
      }
      Terminal.output.line(report.summary.text)
    }
    if !report.summary.isGood { throw ExitCode(1) }
  }

  private var options: ReplayOptions {
    ReplayOptions(
      ignored: ignore, only: only,
      fields: header.filter { $0.name != "host" },
      host: header.last { $0.name == "host" }?.value, gaps: gaps)
  }

  private func plan() throws(ControlError) -> ReplayPlan {
    let exchanges = try ReplayFile.read(file)
    let plan = ReplayPlan(exchanges, options)
    guard !plan.steps.isEmpty else {
      throw ControlError(
        .badInput, exchanges.isEmpty ? "\(file) has no requests" : "\(file) has no request that --only means")
    }
    return plan
  }

  private func isJSON(_ context: CommandContext) -> Bool {
    (outputOptions.output ?? context.settings.output ?? .table) == .json
  }

  private func replay(_ plan: ReplayPlan, _ place: ReplayPlace, _ context: CommandContext) async -> ReplayReport {
    let sender = CurlSender(host: place.host, port: place.port)
    let replayer = Replayer(plan, options) { request throws(ReplayFailure) in try await sender.send(request) }
    let isJSON = isJSON(context)
    var results: [ReplayResult] = []
    let summary = await replayer.run { result in
      results.append(result)
      if !isJSON { result.lines.forEach(Terminal.output.line) }
    }
    let sent = plan.steps.filter { $0.obstacle == nil }
    return ReplayReport(
      summary: summary, requests: results,
      hasNoBodies: !sent.isEmpty && sent.allSatisfy { $0.exchange.answer?.body == nil && $0.exchange.answer?.size != 0 }
    )
  }

  /// Replays through a port that the daemon keeps for that time.
  private func replay(_ plan: ReplayPlan, through target: OpenTarget, _ context: CommandContext) async throws
    -> ReplayReport
  {
    var cluster = global.cluster(context.settings)
    if let namespace = target.namespace { cluster.namespace = namespace }
    var request = ForwardRequest(cluster: cluster, target: target.service, ports: [.init(host: 0, remote: target.port)])
    request.agentImage = context.settings.agentImage
    request.foreground = true
    let (reports, report) = AsyncStream.makeStream(of: ForwardReport.self)
    let call = Task { [request] in
      defer { report.finish() }
      return try await context.call(request, task: "opening the connection to \(request.target)…") { report.yield($0) }
    }
    defer { call.cancel() }
    guard let open = await reports.first(where: { _ in true }), let port = open.ports.first else {
      _ = try await call.value
      throw CancellationError()
    }
    let outcome = await replay(plan, try ReplayPlace.parse(port.host), context)
    call.cancel()
    _ = await call.result
    return outcome
  }

  /// Finds the port of this machine that has the intercept of the requests' Service.
  private func interceptPlace(_ services: Set<String>, _ context: CommandContext) async throws(ControlError)
    -> ReplayPlace
  {
    var intercepts: [InterceptReport] = []
    if let client = try ControlClient.ofRunningDaemon(paths: context.paths) {
      intercepts = try await client.call(StatusRequest()).intercepts
    }
    return try ReplayTarget.place(services, intercepts)
  }
}

/// The choice of the place for requests that no option names.
enum ReplayTarget {
  /// - Parameter services: of the requests, as `namespace/name`.
  static func place(_ services: Set<String>, _ intercepts: [InterceptReport]) throws(ControlError) -> ReplayPlace {
    let own = intercepts.filter { services.contains("\($0.namespace)/\($0.service)") }
    let hosts = Set(own.flatMap(\.ports).compactMap(\.host))
    guard let host = hosts.first, hosts.count == 1 else {
      let names = services.sorted().joined(separator: ", ")
      throw ControlError(
        .badInput,
        hosts.count > 1
          ? "the intercepts of \(names) have several ports here: \(hosts.sorted().joined(separator: ", "))"
          : services.isEmpty
            ? "the file does not say which Service its requests are for" : "no intercept of \(names) is here",
        remedy: "Say where they go: --to HOST:PORT, or --service SERVICE.")
    }
    if let inside = own.first(where: { $0.inShell == true }) {
      throw ControlError(
        .badInput,
        "\(host), which has the intercept of \(inside.service), is inside its shell: nothing else reaches it",
        remedy: "Send them through the cluster: --service \(inside.service) -n \(inside.namespace).")
    }
    return try ReplayPlace.parse(host)
  }
}

/// The outcome, as `replay` prints it.
struct ReplayReport: Encodable, Sendable {
  var summary: ReplaySummary
  var requests: [ReplayResult]
  /// True if no answer's body was kept.
  var hasNoBodies: Bool

  private enum Key: String, CodingKey { case same, differs, failed, skipped, requests }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(summary.same, forKey: .same)
    try container.encode(summary.differs, forKey: .differs)
    try container.encode(summary.failed, forKey: .failed)
    try container.encode(summary.skipped, forKey: .skipped)
    try container.encode(requests, forKey: .requests)
  }
}
