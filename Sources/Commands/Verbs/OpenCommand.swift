import ArgumentParser
import ControlAPI
import Exchanges
import Subprocess

struct OpenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open", abstract: "Opens a Service to a browser here, with your mark on each request.",
    discussion: """
      A port here shows the Service as programs in the cluster see it, so that intercepts take the requests that are \
      theirs; no browser extension is needed. The Service sees its own name as the host; redirects and cookies come \
      back to the port here. HTTP/1.1, WebSockets and HTTP/2 without TLS (gRPC) pass. It stays until Ctrl-C.

      EXAMPLES:
        devtunnel open web --personal              with x-devtunnel: USER and baggage devtunnel=USER
        devtunnel open web:8080 --personal=alice
        devtunnel open http://web.shop/cart --listen 4000 --browser
        devtunnel open traefik -n ingress --header host=shop.example
      """)

  @Argument(
    help: ArgumentHelp("A Service, with a port if it has several, or a URL of one.", valueName: "service[:port]|url"),
    transform: checked(OpenTarget.parse))
  var target: OpenTarget

  @Option(
    help: ArgumentHelp("Mark each request with your user's name, or with NAME.", valueName: "name"),
    transform: checked(RuleArguments.personalName))
  var personal: String?

  @Option(
    help: ArgumentHelp("Set this header on each request; host is one, too.", valueName: "name=value"),
    transform: checked(OpenHeader.parse))
  var header: [Exchange.Field] = []

  @Option(
    help: ArgumentHelp("The address to listen on (default: 127.0.0.1).", valueName: "ip"),
    transform: checked(HostAddress.parse))
  var address: String?

  @Option(
    help: ArgumentHelp("The port to listen on (default: any free one).", valueName: "port"),
    transform: checked { text throws(ControlError) in try PortNumber.parse(text) })
  var listen: UInt16?

  @Option(help: ArgumentHelp("An image for the agent other than that of a running Pod.", valueName: "image"))
  var agentImage: String?

  @Flag(help: "Show the page in the desktop's browser.")
  var browser = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    let (request, outputOptions, path, showsBrowser) = (request(context.settings), outputOptions, target.path, browser)
    _ = try await context.call(request, task: "opening the connection to \(request.target)…") { report in
      report.warnings.forEach { ErrorOutput.warn($0) }
      let opened = OpenReport(report, path: path, marks: request.rewrite ?? ForwardRewrite())
      // A report has only strings and numbers; writing them cannot fail.
      try? context.show(opened, outputOptions) { $0.lines + ["Ctrl-C closes it."] }
      if showsBrowser { Task { await Self.show(opened.url) } }
    }
    if !Task.isCancelled { ErrorOutput.warn("the port was closed by another command") }
  }

  func request(_ settings: Settings) -> ForwardRequest {
    var cluster = global.cluster(settings)
    if let namespace = target.namespace { cluster.namespace = namespace }
    var rewrite = ForwardRewrite(host: target.host, fields: header.filter { $0.name != "host" })
    if let host = header.last(where: { $0.name == "host" }) { rewrite.host = host.value }
    if let personal {
      rewrite.fields.append(.init("x-devtunnel", personal))
      rewrite.baggage = ["devtunnel=\(personal)"]
    }
    var request = ForwardRequest(
      cluster: cluster, target: target.service, ports: [.init(host: listen ?? 0, remote: target.port)])
    request.address = address ?? settings.address ?? "127.0.0.1"
    request.agentImage = agentImage ?? settings.agentImage
    request.rewrite = rewrite
    request.foreground = true
    return request
  }

  private static func show(_ url: String) async {
    let outcome = try? await Subprocess.run(
      .name("xdg-open"), arguments: [url], input: .none, output: .discarded, error: .discarded)
    if outcome?.terminationStatus.isSuccess != true { ErrorOutput.warn("xdg-open could not show \(url)") }
  }
}

/// An open Service, as `open` prints it.
struct OpenReport: Encodable, Hashable {
  /// `http://127.0.0.1:4000/`.
  var url: String
  var service: String
  var namespace: String
  /// The Service's port.
  var port: String
  /// The host that the Service sees.
  var host: String
  /// The headers that are set.
  var headers: [Exchange.Field]

  init(_ report: ForwardReport, path: String, marks: ForwardRewrite) {
    let port = report.ports.first
    let place = port?.host ?? ""
    // `::1:4000` is an address and a port.
    let split = place.lastIndex(of: ":") ?? place.endIndex
    let address = place[..<split].contains(":") ? "[\(place[..<split])]" : String(place[..<split])
    url = "http://\(address)\(place[split...])\(path)"
    service = report.target
    namespace = report.namespace
    self.port = port?.remote ?? ""
    host = report.opened ?? ""
    headers = marks.fields + marks.baggage.map { .init("baggage", $0) }
  }

  var lines: [String] {
    ["\(url) → Service \(service) in namespace \(namespace), port \(port), as \(host)"]
      + headers.map { "  with \($0.name): \($0.value)" }
  }
}
