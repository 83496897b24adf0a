import ArgumentParser
import ControlAPI
import Exchanges
import Synchronization

/// Does what tools ask for, as the verbs do: their parsers check the arguments, and the daemon does the work.
struct MCPCalls: Sendable {
  /// The server's own options. A context or a namespace among them is the only one that calls may name.
  let global: GlobalOptions

  /// - Returns: the text of the result: JSON, or sentences.
  func call(_ tool: String, _ arguments: MCPArguments, progress: @escaping ControlClient.Progress)
    async throws -> String
  {
    let options = try merged(arguments)
    let run = Run(global: options, context: try CommandContext(options), arguments: arguments, progress: progress)
    return switch tool {
    case "list": try await run.list()
    case "status": try await run.status()
    case "requests": try await run.requests()
    case "logs": try run.logs()
    case "explain": try await run.explain()
    case "intercept": try await run.intercept()
    case "leave": try await run.leave()
    case "forward": try await run.forward()
    case "stop_forward": try await run.stopForward()
    default: throw ControlError(.notFound, "there is no tool \(tool)")
    }
  }

  func merged(_ arguments: MCPArguments) throws(ControlError) -> GlobalOptions {
    var options = global
    options.context = try Self.choice("context", asked: arguments.text("context"), allowed: global.context)
    let namespace = try Self.choice("namespace", asked: arguments.text("namespace"), allowed: global.namespace)
    options.namespace = try namespace.map(ObjectName.parseNamespace)
    if let allowed = global.namespace, arguments.flag("all_namespaces") {
      throw ControlError(
        .refused, "this server is for namespace \(allowed) alone", remedy: "Leave out all_namespaces.")
    }
    return options
  }

  private static func choice(_ name: String, asked: String?, allowed: String?) throws(ControlError) -> String? {
    guard let asked, let allowed, asked != allowed else { return asked ?? allowed }
    throw ControlError(
      .refused, "this server is for \(name) \(allowed) alone",
      remedy: "A person can change --\(name) of `devtunnel mcp` in the settings of this client.")
  }

  /// One call.
  private struct Run {
    let global: GlobalOptions
    let context: CommandContext
    let arguments: MCPArguments
    let progress: ControlClient.Progress

    private func ask<Request: ControlRequest>(_ request: Request) async throws(ControlError) -> Request.Reply {
      do throws(ControlError) {
        return try await context.client().call(request, progress: progress)
      } catch {
        guard error.question != nil else { throw error }
        throw ControlError(
          error.code, error.message,
          remedy: "A person must answer: let them run `devtunnel list` in a terminal, then call this again.",
          details: error.details)
      }
    }

    /// Reads words as the command line of a verb.
    private func parse<Command: ParsableCommand>(_ type: Command.Type, _ words: [String]) throws(ControlError)
      -> Command
    {
      do { return try type.parse(RuleArguments.completed(words)) } catch {
        throw ControlError(.badInput, type.message(for: error))
      }
    }

    /// Returns a word that the parser takes for no option.
    private func word(_ name: String) throws(ControlError) -> String {
      let text = arguments.text(name) ?? ""
      guard !text.isEmpty, !text.hasPrefix("-") else { throw ControlError(.badInput, "'\(text)' is no \(name)") }
      return text
    }

    // MARK: Reading

    func list() async throws -> String {
      let everywhere = arguments.flag("all_namespaces")
      if everywhere, arguments.text("namespace") != nil {
        throw ControlError(.badInput, "give namespace or all_namespaces, not both")
      }
      let cluster = global.cluster(context.settings)
      return try JSONOutput.text(
        try await ask(ListRequest(cluster: cluster, allNamespaces: everywhere)), isPretty: false)
    }

    func status() async throws -> String {
      var status = try await ask(StatusRequest())
      // They have the proxies' passwords.
      for index in status.outbound.indices { status.outbound[index].variables = nil }
      return try JSONOutput.text(status, isPretty: false)
    }

    func requests() async throws -> String {
      var request = RequestsRequest(
        service: arguments.text("service"), context: global.context, namespace: global.namespace)
      request.bodies = arguments.flag("bodies")
      request.isDetailed = arguments.flag("headers") || request.bodies
      let found = Mutex<[Exchange]>([])
      let report = try await context.client().call(request) { (item: RequestsItem) in
        if let exchange = item.exchange { found.withLock { $0.append(exchange) } }
      }
      let last = found.withLock { $0 }.sorted { $0.id < $1.id }.suffix(arguments.number("last") ?? 20)
      return try JSONOutput.text(Seen(requests: Array(last), notes: report.notes), isPretty: false)
    }

    private struct Seen: Encodable {
      var requests: [Exchange]
      var notes: [String]
    }

    func logs() throws -> String {
      let log = LogTail(path: context.paths.log)
      guard log.identity != nil else {
        throw ControlError(.notFound, "there is no log yet: \(log.path)", remedy: "Call status: it starts the daemon.")
      }
      return log.lastLines(arguments.number("lines") ?? 50).joined(separator: "\n")
    }

    func explain() async throws -> String {
      let words =
        [try word("service"), "--explain", try word("request")] + arguments.texts("headers").flatMap { ["-H", $0] }
      var command = try parse(InterceptCommand.self, words)
      command.global = global
      let request = try command.explainRequest(context.settings)
      return try await ask(request).lines("\(request.method) \(request.target)").joined(separator: "\n")
    }

    // MARK: Changing

    func intercept() async throws -> String {
      let service = try word("service")
      if service.contains("/") { throw ControlError(.badInput, "name a Service, without a kind before it") }
      var words = [service]
      for option in ["port", "header", "path", "method"] {
        words += arguments.texts(option).map { "--\(option)=\($0)" }
      }
      for flag in ["personal", "mirror"] where arguments.flag(flag) { words.append("--" + flag) }
      var command = try parse(InterceptCommand.self, words)
      command.global = global
      let report = try await ask(command.request(for: service, context.settings, environment: false))
      guard !Task.isCancelled else {
        // The client does not wait any more: nobody would know of this intercept.
        var leave = LeaveRequest(report.id)
        leave.drain = 0
        _ = try await Task { [leave] in try await ask(leave) }.value
        throw ControlError(.cancelled, "cancelled: \(service) is not intercepted")
      }
      return try JSONOutput.text(report, isPretty: false)
    }

    func leave() async throws -> String {
      let service = arguments.text("service")
      var request = LeaveRequest(
        cluster: global.namedCluster(context.settings), namespace: global.namespace, service: service)
      request.drain = context.settings.drain ?? 30
      return try JSONOutput.text(try await ask(request), isPretty: false)
    }

    func forward() async throws -> String {
      let ports = arguments.texts("ports")
      guard ports.allSatisfy({ !$0.hasPrefix("-") }) else { throw ControlError(.badInput, "a port is no option") }
      let command = try parse(ForwardCommand.self, [try word("target")] + ports)
      var request = ForwardRequest(
        cluster: global.cluster(context.settings), target: command.target ?? "", ports: command.ports)
      request.agentImage = context.settings.agentImage
      let report = try await ask(request)
      guard !Task.isCancelled else {
        _ = try await Task { try await ask(StopForwardRequest(id: report.id)) }.value
        throw ControlError(.cancelled, "cancelled: nothing is forwarded")
      }
      return try JSONOutput.text(report, isPretty: false)
    }

    func stopForward() async throws -> String {
      let id = try word("id")
      _ = try await ask(StopForwardRequest(id: id))
      return "Forward \(id) is closed."
    }
  }
}
