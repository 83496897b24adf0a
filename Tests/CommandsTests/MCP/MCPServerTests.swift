import ControlAPI
import KubeObjects
import Synchronization
import Testing

@testable import Commands

/// A server with a tool that does what its arguments say, and the messages that it sent.
private final class Client: Sendable {
  private let (messages, message) = AsyncStream<JSONValue>.makeStream()
  private let (ends, ended) = AsyncStream<String>.makeStream()
  private let nextID = Mutex<Int64>(0)
  let server: MCPServer

  init(allowsChanges: Bool = false) {
    let (message, ended) = (message, ended)
    server = MCPServer(allowsChanges: allowsChanges, version: "1.2.3") {
      message.yield($0)
    } call: { tool, arguments, progress in
      switch arguments.text("service") {
      case "broken": throw ControlError(.refused, "it is headless", remedy: "Give --headless.")
      case "slow":
        progress("starting the agent")
        progress(EarlyWarning.line("beware"))
        try? await Task.sleep(for: .seconds(60))
        // As an intercept that is undone.
        ended.yield(Task.isCancelled ? "undone" : "stays")
        throw CancellationError()
      default: return "\(tool) is done"
      }
    } watch: { changed in
      changed()
      try? await Task.sleep(for: .seconds(60))
      ended.yield("unwatched")
    }
  }

  func send(_ method: String, _ params: JSONValue = [:], id: RPCID? = nil) async {
    await server.take(
      id.map { .request(id: $0, method: method, params: params) } ?? .notification(method: method, params: params))
  }

  func next() async -> JSONValue { await messages.first { _ in true } ?? .null }
  func nextEnd() async -> String? { await ends.first { _ in true } }

  func ask(_ method: String, _ params: JSONValue = [:]) async -> JSONValue {
    let id = nextID.withLock {
      $0 += 1
      return $0
    }
    await send(method, params, id: .number(id))
    let answer = await next()
    #expect(answer["id"] == .int(id))
    #expect(answer["jsonrpc"] == "2.0")
    return answer
  }

  func call(_ tool: String, _ arguments: JSONValue = [:]) async -> JSONValue {
    await ask("tools/call", ["name": .string(tool), "arguments": arguments])
  }
}

@Suite(.timeLimit(.minutes(1)))
struct MCPServerTests {
  @Test(arguments: [
    ("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2024-11-05", "2024-11-05"),
    ("2099-01-01", "2025-11-25"), ("", "2025-11-25"),
  ])
  func theVersionIsTheClientsIfItIsKnown(asked: String, given: String) async {
    let answer = await Client().ask("initialize", ["protocolVersion": .string(asked)])
    #expect(answer[path: "result", "protocolVersion"]?.stringValue == given)
    #expect(answer[path: "result", "serverInfo", "version"] == "1.2.3")
    #expect(answer[path: "result", "capabilities", "tools"] != nil)
  }

  private func names(_ client: Client) async -> [String] {
    let tools = await client.ask("tools/list")[path: "result", "tools"]?.elements ?? []
    for tool in tools {
      #expect(tool[path: "inputSchema", "type"] == "object")
      #expect(tool["description"]?.stringValue?.isEmpty == false)
    }
    return tools.compactMap { $0["name"]?.stringValue }
  }

  @Test func changesAreListedWhereTheyAreAllowed() async {
    let reading = ["list", "status", "requests", "logs", "explain"]
    #expect(await names(Client()) == reading)
    #expect(await names(Client(allowsChanges: true)) == reading + ["intercept", "leave", "forward", "stop_forward"])
  }

  @Test func aChangeIsRefusedWithTheReason() async {
    let answer = await Client().call("intercept", ["service": "user"])
    #expect(answer[path: "result", "isError"] == true)
    let text = answer[path: "result", "content"]?[0]?["text"]?.stringValue ?? ""
    #expect(text.contains("only reads"))
    #expect(text.contains("--allow-changes"))
  }

  private static let mistakes: [(String, JSONValue, String)] = [
    ("explain", ["service": "broken", "request": "GET /"], "it is headless\nGive --headless."),
    ("explain", ["service": "user"], "explain needs 'request': Method and path, such as 'GET /api/users'."),
    ("explain", ["service": 7, "request": "GET /"], "'service' must be a string\nThe Service."),
    (
      "requests", ["last": 0],
      "'last' must be a whole number from 1 to 200\nThe number of last requests (default: 20)."
    ), ("status", ["x": 1], "status has no parameter 'x'\nIt takes none."),
    ("logs", ["n": 1], "logs has no parameter 'n'\nIt takes: lines."),
    ("list", "text", "the arguments of list must be an object"),
  ]

  @Test(arguments: mistakes)
  func anErrorOfAToolSaysWhatToDo(tool: String, arguments: JSONValue, expected: String) async {
    let answer = await Client().call(tool, arguments)
    #expect(answer[path: "result", "isError"] == true)
    #expect(answer[path: "result", "content"]?[0]?["text"]?.stringValue == expected)
  }

  @Test(
    arguments: [
      ([], ["context": "live", "namespace": "b"], "live/b"), (["--context=dev", "-n", "a"], [:], "dev/a"),
      (["--context=dev"], ["context": "dev", "namespace": "b"], "dev/b"),
      (["--context=dev"], ["context": "live"], "this server is for context dev alone"),
      (["-n", "a"], ["namespace": "b"], "this server is for namespace a alone"),
      (["-n", "a"], ["all_namespaces": true], "this server is for namespace a alone"),
      ([], ["namespace": "-x"], "-x is no namespace's name"),
    ] as [([String], JSONValue, String)])
  func theServersOptionsAreLimits(options: [String], arguments: JSONValue, expected: String) throws {
    let calls = MCPCalls(global: try GlobalOptions.parse(options))
    let tool = try #require(MCPTool.reading.first { $0.name == "list" })
    let outcome: String
    do throws(ControlError) {
      let merged = try calls.merged(try MCPArguments(arguments, of: tool))
      outcome = "\(merged.context ?? "")/\(merged.namespace ?? "")"
    } catch { outcome = error.message }
    #expect(outcome == expected)
  }

  @Test func aToolAnswersWithText() async {
    let answer = await Client().call("status")
    #expect(answer["result"] == ["content": [["type": "text", "text": "status is done"]], "isError": false])
  }

  @Test func whatIsUnknownIsAnErrorOfTheProtocol() async {
    let client = Client()
    #expect(await client.ask("prompts/list")[path: "error", "code"] == -32601)
    #expect(await client.call("rm")[path: "error", "code"] == -32602)
    #expect(await client.ask("resources/read", ["uri": "file:///etc/passwd"])[path: "error", "code"] == -32002)
    #expect(await client.ask("ping")["result"] == [:])
    await client.send("notifications/initialized")
    await client.send("notifications/anything")
    await client.server.take(.answer)
    await client.server.take(RPCMessage(line: Array("garbage".utf8)))
    #expect(await client.next()[path: "error", "code"] == -32700)
  }

  @Test func progressGoesToThoseWhoAskAndACancelledCallHasNoAnswer() async {
    let client = Client(allowsChanges: true)
    let params: JSONValue = [
      "name": "intercept", "arguments": ["service": "slow"], "_meta": ["progressToken": "t"],
    ]
    await client.send("tools/call", params, id: .text("a"))
    for (number, text) in [(1, "starting the agent"), (2, "beware")] {
      let note = await client.next()
      #expect(note["method"] == "notifications/progress")
      #expect(note["params"] == ["progressToken": "t", "progress": JSONValue(number), "message": .string(text)])
    }
    await client.send("tools/call", params, id: .text("a"))
    #expect(await client.next()[path: "error", "code"] == -32600)
    await client.send("notifications/cancelled", ["requestId": "a"])
    #expect(await client.nextEnd() == "undone")
    #expect(await client.ask("ping")["result"] == [:])
  }

  @Test func aClientThatGoesAwayWaitsUntilItsCallsAreUndone() async {
    let client = Client(allowsChanges: true)
    await client.send("tools/call", ["name": "intercept", "arguments": ["service": "slow"]], id: .number(1))
    await client.server.end()
    #expect(await client.nextEnd() == "undone")
  }

  @Test func theStateIsAResourceThatCanBeWatched() async {
    let client = Client()
    #expect(await client.ask("resources/list")[path: "result", "resources"]?[0]?["uri"] == "devtunnel://status")
    let read = await client.ask("resources/read", ["uri": "devtunnel://status"])
    #expect(read[path: "result", "contents"]?[0]?["text"] == "status is done")
    #expect(await client.ask("resources/subscribe", ["uri": "devtunnel://status"])["result"] == [:])
    let note = await client.next()
    #expect(note["method"] == "notifications/resources/updated")
    #expect(await client.ask("resources/unsubscribe", ["uri": "devtunnel://status"])["result"] == [:])
    #expect(await client.nextEnd() == "unwatched")
  }
}
