import ArgumentParser
import ControlAPI
import KubeObjects
import Synchronization
import TerminalText

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct MCPCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mcp", abstract: "Serves editors and coding agents over stdio (Model Context Protocol).",
    discussion: """
      An editor or agent starts this, and asks for what list, status, requests, logs and intercept --explain show. \
      With --allow-changes it may also intercept, leave, forward and stop forwards. docs/editors.md has the settings.

      EXAMPLES:
        devtunnel mcp
        devtunnel mcp --allow-changes -n testbed --context staging
      """)

  @Flag(help: "Offer tools that change a cluster and this machine, too.")
  var allowChanges = false

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    if isatty(STDIN_FILENO) == 1 {
      Terminal.error.line("This waits for JSON-RPC from an editor or agent on stdin; Ctrl-D ends it.")
    }
    let (calls, global) = (MCPCalls(global: global), global)
    let output = Mutex(Terminal.output)
    let server = MCPServer(allowsChanges: allowChanges, version: BuildVersion.current.version) { message in
      let text = TerminalText.json(String(decoding: message.serialized(), as: UTF8.self))
      output.withLock { $0.line(text) }
    } call: { tool, arguments, progress in
      try await calls.call(tool, arguments, progress: progress)
    } watch: { changed in
      guard let context = try? CommandContext(global) else { return }
      let seen = Mutex<[StatusItem]>([])
      try? await StatusWatcher(context: context).run { event in
        if seen.withLock({ $0.hasNews(event.change) }) { changed() }
      }
    }
    var lines = RPCLines()
    for await chunk in try StandardInput.chunks() {
      for line in lines.take(chunk) {
        switch line {
        case .text(let bytes): await server.take(RPCMessage(line: bytes))
        case .tooLong:
          await server.take(.invalid(RPCFailure(.parse, "the line has more than \(lines.limit) bytes"), id: nil))
        }
      }
    }
    await server.end()
  }
}

extension [StatusItem] {
  /// Takes a change.
  /// - Returns: true if more than counters changed. The first snapshot is no news.
  mutating func hasNews(_ change: StatusEvent.Change) -> Bool {
    let former = self
    take(change)
    if case .ended = change { return true }
    return !former.isEmpty && !former.changes(to: keepingCounters(of: former)).isEmpty
  }
}
