import ControlAPI
import Logging
import Synchronization

/// Serves the control socket until `quit` or a signal ends the daemon.
///
/// It ends in this order: accept no more connections, cancel and undo the running requests, let the engine leave
/// everything.
public struct ControlServer: Sendable {
  private let listener: ControlListener
  private let engine: any Engine
  private let handler: RequestHandler
  private let logger: Logger
  /// The commands that wait for the end.
  private let quitting = Quitting()
  private let shutDownLimit: Duration
  private let memory = IdleMemory()

  /// Binds the socket; the caller holds the daemon's lock.
  /// - Parameter shutDownLimit: the time in which the engine must leave everything; the journal keeps what is left
  ///   then.
  public init(
    paths: ControlPaths, engine: any Engine, build: BuildVersion = .current, shutDownLimit: Duration = .seconds(90),
    logger: Logger
  ) throws(ControlError) {
    listener = try ControlListener(path: paths.socket) { reason in
      logger.warning("connection refused", metadata: ["reason": "\(reason)"])
    }
    self.engine = engine
    self.logger = logger
    self.shutDownLimit = shutDownLimit
    handler = RequestHandler(engine: engine, paths: paths, build: build, logger: logger)
  }

  /// Ends `run`, as `quit` does. Unlike a cancelled task, the end takes its time.
  public func stop() { listener.stop() }

  /// Serves until `stop`, `quit` or the end of the task.
  public func run() async {
    // Not a child task: an earlier daemon's changes are undone to the end, or `quit` would silently leave them in the
    // cluster.
    let recovery = Task {
      await engine.recover()
      memory.touched()
    }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        for await connection in listener.connections { group.addTask { await serve(connection) } }
        group.cancelAll()
      }
    } onCancel: {
      listener.stop()
    }
    let answer: Answer<Nothing>
    switch await shutDownEngine(after: recovery) {
    case let problems? where problems.isEmpty: answer = .result(Nothing())
    case let problems?: answer = .error(Self.unfinished("not everything could be undone", problems))
    case nil:
      logger.error("the engine did not leave everything in time", metadata: ["limit": "\(shutDownLimit)"])
      answer = .error(
        Self.unfinished("not everything could be undone within \(shutDownLimit.components.seconds) s", []))
    }
    for connection in quitting.all {
      connection.answer(answer)
      await connection.closeAndWait(atMost: .seconds(1))
    }
  }

  private func serve(_ connection: LineConnection) async {
    var lines = connection.lines.makeAsyncIterator()
    let line: [UInt8]
    do {
      guard let first = try await lines.next() else { return connection.close() }
      line = first
      let (method, from) = try handler.accept(line)
      logger.debug("request", metadata: ["method": "\(method.rawValue)", "from": "\(from.version)"])
      if method == .quit {
        quitting.add(connection)
        return listener.stop()
      }
      await withTaskGroup { group in
        group.addTask { await handler.handle(method, line, connection) }
        // However the command ends, its request ends too.
        group.addTask { do { for try await _ in connection.lines {} } catch {} }
        await group.next()
        group.cancelAll()
      }
    } catch {
      connection.answer(Answer<Nothing>.error(RequestHandler.explain(error)))
    }
    memory.touched()
    // The daemon may be about to exit, and the command must see how its request ended.
    await connection.closeAndWait(atMost: .seconds(1))
  }

  private static func unfinished(_ message: String, _ problems: [ControlError]) -> ControlError {
    ControlError(
      .incomplete, message,
      remedy:
        "Once the cluster allows it, any devtunnel command undoes the rest from the journal, "
        + "or `devtunnel restore` does.",
      details: problems.map(\.message))
  }

  /// - Parameter recovery: also counts for the limit.
  /// - Returns: the errors of changes that could not be undone; nil if the limit came first.
  private func shutDownEngine(after recovery: Task<Void, Never>) async -> [ControlError]? {
    let (ends, end) = AsyncStream<[ControlError]?>.makeStream()
    // Neither task is a child: this must return at the limit even if the engine continues, and must not begin
    // cancelled.
    let work = Task { [engine, quitting] in
      await recovery.value
      end.yield(await engine.shutDown { text in quitting.all.forEach { $0.progress(text) } })
    }
    let limit = Task { [shutDownLimit] in
      try await Task.sleep(for: shutDownLimit)
      end.yield(nil)
    }
    let inTime = await Task { await ends.first { _ in true } ?? nil }.value
    recovery.cancel()
    work.cancel()
    limit.cancel()
    return inTime
  }
}

private final class Quitting: Sendable {
  private let connections = Mutex<[LineConnection]>([])
  func add(_ connection: LineConnection) { connections.withLock { $0.append(connection) } }
  var all: [LineConnection] { connections.withLock { $0 } }
}

extension LineConnection {
  func answer(_ answer: Answer<some Codable & Sendable>) {
    do {
      send(try WireCoding.encode(answer))
    } catch {
      // A ControlError holds only strings, which can always be encoded.
      if let line = try? WireCoding.encode(Answer<Nothing>.error(error)) { send(line) }
    }
  }

  /// Sends items; returns once the command keeps up, or has gone.
  /// - Parameter most: the bytes that may wait for the command to take them.
  func give(_ items: [some Codable & Sendable], backlog most: Int = 1 << 20) async {
    for item in items { if let line = try? WireCoding.encode(ItemLine(item)) { send(line) } }
    while backlog > most, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
  }

  func progress(_ text: String) {
    if let line = try? WireCoding.encode(Answer<Nothing>.progress(text)) { send(line, droppable: true) }
  }
}
