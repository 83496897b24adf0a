import ControlAPI
import KubeObjects

/// A server of the Model Context Protocol for one client: takes its messages in their order, and runs calls beside each
/// other.
actor MCPServer {
  /// Does a tool's work; its result is the text for the client.
  typealias Call =
    @Sendable (_ tool: String, _ arguments: MCPArguments, _ progress: @escaping ControlClient.Progress) async throws ->
    String
  /// Calls its argument at each change of the state, until its task is cancelled.
  typealias Watch = @Sendable (_ changed: @escaping @Sendable () -> Void) async -> Void

  /// The newest first; a client that asks for another one is offered that.
  static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
  static let statusURI = "devtunnel://status"
  /// Calls that may run at a time.
  private static let mostRunning = 32

  private let allowsChanges: Bool
  private let version: String
  private let call: Call
  private let watch: Watch
  private let send: @Sendable (JSONValue) -> Void
  private var running: [RPCID: Task<Void, Never>] = [:]
  private var subscription: Task<Void, Never>?

  init(
    allowsChanges: Bool, version: String, send: @escaping @Sendable (JSONValue) -> Void, call: @escaping Call,
    watch: @escaping Watch
  ) {
    self.allowsChanges = allowsChanges
    self.version = version
    self.send = send
    self.call = call
    self.watch = watch
  }

  private var tools: [MCPTool] { allowsChanges ? MCPTool.reading + MCPTool.changing : MCPTool.reading }

  /// Takes a message; its answer may come later.
  func take(_ message: RPCMessage) {
    switch message {
    case .request(let id, let method, let params): answer(id, method, params)
    case .notification("notifications/cancelled", let params):
      if let id = params["requestId"].flatMap(RPCID.init) { running[id]?.cancel() }
    case .notification, .answer: break
    case .invalid(let failure, let id): send(RPCReply.failure(failure, of: id))
    }
  }

  /// Cancels what still runs, and returns once all of it is undone: the client has gone.
  func end() async {
    subscription?.cancel()
    for task in running.values { task.cancel() }
    for task in running.values { await task.value }
  }

  private func answer(_ id: RPCID, _ method: String, _ params: JSONValue) {
    switch method {
    case "tools/call": begin(id, params)
    case "resources/read": read(id, params)
    default:
      do throws(RPCFailure) { send(RPCReply.result(try result(method, params), of: id)) } catch {
        send(RPCReply.failure(error, of: id))
      }
    }
  }

  /// Answers what needs no work.
  private func result(_ method: String, _ params: JSONValue) throws(RPCFailure) -> JSONValue {
    switch method {
    case "initialize": return initialize(params)
    case "ping": return [:]
    case "tools/list": return ["tools": .array(tools.map(\.json))]
    case "resources/list": return ["resources": [Self.resource]]
    case "resources/templates/list": return ["resourceTemplates": []]
    case "resources/subscribe":
      try check(params)
      subscribe()
      return [:]
    case "resources/unsubscribe":
      try check(params)
      subscription?.cancel()
      subscription = nil
      return [:]
    default: throw RPCFailure(.unknownMethod, "there is no method \(method)")
    }
  }

  private func initialize(_ params: JSONValue) -> JSONValue {
    let asked = params["protocolVersion"]?.stringValue ?? ""
    return [
      "protocolVersion": .string(Self.versions.contains(asked) ? asked : Self.versions[0]),
      "capabilities": ["tools": ["listChanged": false], "resources": ["subscribe": true, "listChanged": false]],
      "serverInfo": ["name": "devtunnel", "title": "devtunnel", "version": .string(version)],
      "instructions": .string(
        "devtunnel puts this machine into a remote Kubernetes cluster: a Service's requests arrive here. "
          + (allowsChanges
            ? "Changes concern a cluster that other people use: prefer personal intercepts, and leave what you took."
            : "This server only reads; a person intercepts with the command devtunnel.")),
    ]
  }

  // MARK: Tools

  private func begin(_ id: RPCID, _ params: JSONValue) {
    guard running[id] == nil else {
      return send(RPCReply.failure(RPCFailure(.invalidRequest, "a request with this id is running"), of: id))
    }
    guard running.count < Self.mostRunning else {
      return send(RPCReply.failure(RPCFailure(.busy, "\(Self.mostRunning) calls are running: wait for one"), of: id))
    }
    guard let name = params["name"]?.stringValue,
      let tool = (MCPTool.reading + MCPTool.changing).first(where: { $0.name == name })
    else {
      let known = tools.map(\.name).joined(separator: ", ")
      let asked = params["name"]?.stringValue.map { "there is no tool \($0)" } ?? "name a tool"
      return send(RPCReply.failure(RPCFailure(.invalidParams, "\(asked): there are \(known)"), of: id))
    }
    let token = params[path: "_meta", "progressToken"]
    running[id] = Task {
      let reply = await outcome(tool, params["arguments"], ProgressNotes(token: token, send: send).progress)
      running[id] = nil
      // MCP, cancellation: a cancelled request has no answer.
      if !Task.isCancelled { send(RPCReply.result(reply, of: id)) }
    }
  }

  private func outcome(_ tool: MCPTool, _ arguments: JSONValue?, _ progress: @escaping ControlClient.Progress) async
    -> JSONValue
  {
    do {
      guard allowsChanges || !tool.changes else {
        throw ControlError(
          .refused, "\(tool.name) changes something, and this server only reads",
          remedy: "A person can allow it: `devtunnel mcp --allow-changes` in the settings of this client.")
      }
      return Self.content(try await call(tool.name, try MCPArguments(arguments, of: tool), progress), isError: false)
    } catch {
      return Self.content((error as? ControlError)?.description ?? "\(error)", isError: true)
    }
  }

  private static func content(_ text: String, isError: Bool) -> JSONValue {
    ["content": [["type": "text", "text": .string(text)]], "isError": .bool(isError)]
  }

  // MARK: Resources

  private static let resource: JSONValue = [
    "uri": .string(statusURI), "name": "status", "title": "The daemon's state",
    "description": "Intercepts, forwards, shells, proxies and tunnels, as the tool status shows them.",
    "mimeType": "application/json",
  ]

  private func check(_ params: JSONValue) throws(RPCFailure) {
    let uri = params["uri"]?.stringValue ?? ""
    guard uri == Self.statusURI else {
      throw RPCFailure(.unknownResource, "there is no resource '\(uri)': there is \(Self.statusURI)")
    }
  }

  private func read(_ id: RPCID, _ params: JSONValue) {
    do throws(RPCFailure) { try check(params) } catch { return send(RPCReply.failure(error, of: id)) }
    guard running[id] == nil, let status = MCPTool.reading.first(where: { $0.name == "status" }) else { return }
    running[id] = Task {
      let reply = await outcome(status, nil) { _ in }
      running[id] = nil
      let text = reply["content"]?[0]?["text"] ?? ""
      if reply["isError"] == true {
        return send(RPCReply.failure(RPCFailure(.busy, text.stringValue ?? ""), of: id))
      }
      let content: JSONValue = ["uri": .string(Self.statusURI), "mimeType": "application/json", "text": text]
      send(RPCReply.result(["contents": [content]], of: id))
    }
  }

  private func subscribe() {
    guard subscription == nil else { return }
    subscription = Task { [send, watch] in
      await watch { send(RPCReply.notification("notifications/resources/updated", ["uri": .string(Self.statusURI)])) }
    }
  }
}
