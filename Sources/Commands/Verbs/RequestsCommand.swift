import ArgumentParser
import ControlAPI
import Exchanges
import Synchronization
import TerminalText

struct RequestsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "requests", abstract: "Shows the HTTP requests that pass here, and their answers.",
    discussion: """
      Those of intercepts, forwards, shells and proxies, where HTTP/1 or HTTP/2 passes without TLS. The daemon keeps \
      the last 200 of each Service. Secrets are shown as ***.

      EXAMPLES:
        devtunnel requests                     those that are kept
        devtunnel requests user -f             those of Service user, and each that comes
        devtunnel requests -f --bodies -o har > today.har
                                               a document for browsers, and for devtunnel replay
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, har }

  @Argument(help: "A Service, or a target such as pod/db-0 (default: all).")
  var service: String?

  @Flag(name: [.short, .long], help: "Continue with those that come.")
  var follow = false

  @Option(name: [.short, .long], help: ArgumentHelp("The format: text, json or har.", valueName: "format"))
  var output = Format.text

  @Option(help: ArgumentHelp("Let the daemon keep so many of each Service from now on.", valueName: "number"))
  var keep: Int?

  @Flag(help: "With bodies, up to 1 MiB each; they are kept while a command with this option follows.")
  var bodies = false

  @Flag(help: "Show secrets, too.")
  var showSecrets = false

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if let keep, !(1...ExchangeStore.mostKept).contains(keep) {
      throw ValidationError("--keep must be from 1 to \(ExchangeStore.mostKept)")
    }
    if bodies, output == .text { throw ValidationError("--bodies needs --output json or har") }
  }

  func run() async throws {
    let context = try CommandContext(global)
    var request = RequestsRequest(service: service, context: global.context, namespace: global.namespace)
    request.follow = follow
    request.keep = keep
    request.bodies = bodies
    request.showSecrets = showSecrets
    request.isDetailed = output != .text
    let printer = RequestPrinter(format: output, isLive: follow)
    let report: RequestsReport
    do throws(ControlError) {
      report = try await context.client().call(request) { (item: RequestsItem) in printer.take(item) }
    } catch {
      printer.end()
      throw error
    }
    printer.end()
    report.notes.forEach(Terminal.error.line)
  }
}

/// Prints exchanges, or collects them for a document.
private final class RequestPrinter: Sendable {
  private let format: RequestsCommand.Format
  private let isLive: Bool
  private let kept = Mutex<[Exchange]>([])
  private let zone = LocalTime()

  init(format: RequestsCommand.Format, isLive: Bool) {
    self.format = format
    self.isLive = isLive
  }

  func take(_ item: RequestsItem) {
    if let lost = item.lost {
      Terminal.error.line("\(lost == 1 ? "one more request" : "\(lost) more requests") came too fast to be shown")
    }
    guard let exchange = item.exchange else { return }
    switch format {
    case .text: Terminal.output.line(RequestLine(exchange, time: zone.text(exchange.start)).text)
    case .json where isLive:
      // An exchange has only strings and numbers; writing them cannot fail.
      if let text = try? JSONOutput.text(exchange, isPretty: false) { Terminal.output.line(text) }
    case .json, .har: kept.withLock { $0.append(exchange) }
    }
  }

  /// Prints what was collected.
  func end() {
    let exchanges = kept.withLock { $0 }
    switch format {
    case .text: break
    case .json:
      if !isLive, let text = try? JSONOutput.text(exchanges) { Terminal.output.line(text) }
    case .har:
      let sorted = exchanges.sorted { $0.id < $1.id }
      let document = HARDocument.write(sorted, version: BuildVersion.current.version)
      Terminal.output.write(TerminalText.json(String(decoding: document, as: UTF8.self)))
    }
  }
}
