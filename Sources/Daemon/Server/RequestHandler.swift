import ControlAPI
import FoundationEssentials
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Turns one request into one call of the engine, and its outcome into the answer.
struct RequestHandler: Sendable {
  private let engine: any Engine
  private let build: BuildVersion
  private let report: DaemonReport
  private let held = HeldByCommands()
  private let hub: StatusHub
  private let logger: Logger

  init(engine: any Engine, paths: ControlPaths, build: BuildVersion, logger: Logger) {
    self.engine = engine
    self.build = build
    self.logger = logger
    report = DaemonReport(
      pid: Int(getpid()), version: build.version, build: build.build, since: Date().formatted(.iso8601),
      socket: paths.socket, log: paths.log)
    hub = StatusHub(engine: engine, daemon: report)
  }

  /// Reads the request's method, and the version of the command that asks.
  /// - Throws: `.versionMismatch` for another devtunnel's command, except for methods that every version may call.
  func accept(_ line: [UInt8]) throws(ControlError) -> (Method, from: BuildVersion) {
    let head = try WireCoding.decode(RequestEnvelope.self, line)
    let method = Method(rawValue: head.method)
    if method?.anyVersion != true, let mismatch = BuildVersion.mismatch(daemon: build, command: head.from) {
      throw mismatch
    }
    guard let method else { throw ControlError(.badInput, "the daemon knows no method \(head.method)") }
    return (method, head.from)
  }

  func handle(_ method: Method, _ line: [UInt8], _ connection: LineConnection) async {
    do {
      try await perform(method, line, connection)
    } catch {
      let error = RequestHandler.explain(error)
      logger.info(
        "request failed",
        metadata: ["method": "\(method.rawValue)", "code": "\(error.code.rawValue)", "problem": "\(error.message)"])
      connection.answer(Answer<Nothing>.error(error))
    }
  }

  private func perform(_ method: Method, _ line: [UInt8], _ connection: LineConnection) async throws {
    let progress: Engine.Progress = { connection.progress($0) }
    /// Decodes the request, and sends the answer that `body` returns, of the type that belongs to it.
    func answer<Request: ControlRequest>(_ body: (Request) async throws -> Request.Reply) async throws {
      connection.answer(.result(try await body(try WireCoding.request(Request.self, line))))
    }
    switch method {
    case .intercept: try await intercept(try WireCoding.request(InterceptRequest.self, line), connection)
    case .forward: try await forward(try WireCoding.request(ForwardRequest.self, line), connection)
    case .explain: try await answer { (request: ExplainRequest) in try await engine.explain(request) }
    case .leave:
      try await answer { (request: LeaveRequest) in
        let left = try await engine.leave(request, progress: progress)
        for one in left { held.release(.intercept(one.id)) }
        return left
      }
    case .stopForward:
      try await answer { (request: StopForwardRequest) in
        try await engine.stopForward(request)
        held.release(.forward(request.id))
        return Nothing()
      }
    case .shell: try await answer { (request: ShellRequest) in try await engine.shell(request, progress: progress) }
    case .connect:
      try await answer { (request: ConnectRequest) in try await engine.connect(request, progress: progress) }
    case .connectHost:
      try await answer { (request: ConnectHostRequest) in
        try await engine.connectHost(request.connect, progress: progress)
      }
    case .disconnect:
      try await answer { (request: DisconnectRequest) in
        try await engine.disconnect(request)
        return Nothing()
      }
    case .answer:
      try await answer { (request: BastionAnswer) in
        await engine.answer(request)
        return Nothing()
      }
    case .list:
      try await answer { (request: ListRequest) in
        guard let workload = request.workload else {
          return try await engine.list(request.cluster, allNamespaces: request.allNamespaces)
        }
        return try await engine.services(of: workload, in: request.cluster)
      }
    case .status:
      try await answer { (_: StatusRequest) in
        var status = await engine.status()
        status.daemon = report
        return status
      }
    case .watchStatus:
      try await answer { (_: WatchStatusRequest) in
        await hub.follow { await connection.give($0, backlog: 256 << 10) }
        return Nothing()
      }
    case .requests:
      try await answer { (request: RequestsRequest) in
        try await engine.requests(request) { await connection.give($0) }
      }
    case .restore:
      try await answer { (request: RestoreRequest) in try await engine.restore(request, progress: progress) }
    case .doctor:
      try await answer { (request: DoctorRequest) in await engine.doctor(request.cluster, progress: progress) }
    case .way: try await answer { (request: WayRequest) in try await engine.way(request, progress: progress) }
    case .quit: break  // the server's own
    }
  }

  private func intercept(_ request: InterceptRequest, _ connection: LineConnection) async throws {
    let report = try await engine.intercept(request) { connection.progress($0) }
    var leave = LeaveRequest(report.id)
    if Task.isCancelled {
      // The command went away at the last moment: no one would know of this intercept.
      leave.drain = 0
      _ = try await Task { [leave] in try await engine.leave(leave) { connection.progress($0) } }.value
      throw ControlError(.cancelled, "cancelled: \(report.service) is not intercepted")
    }
    guard request.foreground else { return connection.answer(.result(report)) }
    let ends = held.hold(.intercept(report.id))
    connection.answer(.result(report))
    for await _ in ends {}
    if held.release(.intercept(report.id)) {
      _ = try await Task { [leave] in try await engine.leave(leave) { _ in } }.value
    }
  }

  private func forward(_ request: ForwardRequest, _ connection: LineConnection) async throws {
    let report = try await engine.forward(request) { connection.progress($0) }
    let stop = StopForwardRequest(id: report.id)
    if Task.isCancelled {
      try await Task { try await engine.stopForward(stop) }.value
      throw ControlError(.cancelled, "cancelled: nothing is forwarded")
    }
    guard request.foreground else { return connection.answer(.result(report)) }
    let ends = held.hold(.forward(report.id))
    connection.answer(.result(report))
    for await _ in ends {}
    if held.release(.forward(report.id)) { try await Task { try await engine.stopForward(stop) }.value }
  }

  static func explain(_ error: any Error) -> ControlError {
    switch error {
    case let error as ControlError: error
    case is CancellationError: ControlError(.cancelled, "cancelled")
    default: ControlError(.failed, "\(error)", remedy: "devtunnel logs may show more")
    }
  }
}
