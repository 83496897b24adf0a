import ArgumentParser
import ControlAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct MetricsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Prints the daemon's metrics, or serves them to Prometheus.",
    discussion: """
      The text is OpenMetrics 1.0. Without --port and --socket it is printed once. Otherwise the command stays and \
      answers at /metrics until Ctrl-C; it starts no daemon, and devtunnel_up is 0 while none runs.

      EXAMPLES:
        devtunnel metrics
        devtunnel metrics --port 9464                  http://127.0.0.1:9464/metrics
        devtunnel metrics --socket ~/metrics.sock      for this user alone
      """)

  @Option(help: ArgumentHelp("Serve them at this port of 127.0.0.1; 0 takes any free one.", valueName: "number"))
  var port: UInt16?

  @Option(
    help: ArgumentHelp("Serve them at this Unix socket, which this user alone may open.", valueName: "path"),
    completion: .file())
  var socket: String?

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if port != nil, socket != nil { throw ValidationError("give --port or --socket, not both") }
  }

  func run() async throws {
    let paths = try CommandContext(global).paths
    if let port { return try await serve(port, paths) }
    if let socket { return try await serve(GlobalOptions.absolute(socket, home: nil), paths) }
    Terminal.output.write(try await Self.text(paths))
  }

  private static func text(_ paths: ControlPaths) async throws(ControlError) -> String {
    let client = try ControlClient.ofRunningDaemon(paths: paths)
    return OpenMetrics.text(StatusMetrics.families(try await client?.call(StatusRequest())))
  }

  private func serve(_ port: UInt16, _ paths: ControlPaths) async throws {
    let listener = try LoopbackListener(port: port)
    Terminal.error.line("Metrics are at http://127.0.0.1:\(listener.port)/metrics. Ctrl-C ends it.")
    await server(isLocal: true, paths).run(listener.connections)
  }

  private func serve(_ path: String, _ paths: ControlPaths) async throws {
    try Self.check(path)
    let listener = try ControlListener(path: path) { ErrorOutput.warn("a connection was refused: \($0)") }
    defer { listener.stop() }
    Terminal.error.line("Metrics are at the socket \(path). Ctrl-C ends it.")
    await server(isLocal: false, paths).run(listener.connections)
  }

  /// Refuses a path where something else is: a socket that nobody serves is replaced.
  private static func check(_ path: String) throws(ControlError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw ControlError(.conflict, "\(path) exists and is no socket", remedy: "Choose another path.")
    }
    guard let connection = try ControlSocket.connectIfListening(path) else { return }
    connection.close()
    throw ControlError(.conflict, "something serves the socket \(path) already", remedy: "Choose another path.")
  }

  private func server(isLocal: Bool, _ paths: ControlPaths) -> MetricsServer {
    MetricsServer(isLocal: isLocal) {
      // A daemon that ends while it is asked is one that does not run.
      (try? await Self.text(paths)) ?? OpenMetrics.text(StatusMetrics.families(nil))
    }
  }
}
