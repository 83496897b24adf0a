import Synchronization

/// A client of the daemon. Each call has a connection of its own, so that the connection ends with the call.
public struct ControlClient: Sendable {
  /// Receives short lines for a person.
  public typealias Progress = @Sendable (String) -> Void

  private let connect: @Sendable () async throws(ControlError) -> LineConnection
  /// The time that a cancelled call waits for the daemon to report that all is undone; longer than the daemon tries
  /// before it reports that it is still trying.
  private let patience: Duration

  init(patience: Duration = .seconds(25), connect: @escaping @Sendable () async throws(ControlError) -> LineConnection)
  {
    self.patience = patience
    self.connect = connect
  }

  /// Makes a client that starts the daemon if none runs.
  public init(starter: DaemonStarter) { self.init { () async throws(ControlError) in try await starter.connect() } }

  /// Returns a client of the running daemon; nil if there is none.
  public static func ofRunningDaemon(paths: ControlPaths) throws(ControlError) -> ControlClient? {
    guard let connection = try ControlSocket.connectIfListening(paths.socket) else { return nil }
    return ControlClient { () async throws(ControlError) in connection }
  }

  /// Sends a request and waits for its answer.
  ///
  /// Cancelling the task cancels the request in the daemon; this still waits for the daemon's last answer: an error
  /// with code `.cancelled`, or the result if it was ready before; the caller then undoes it.
  /// - Parameter holding: called with the result; the call then continues until the daemon ends it, or the task is
  ///   cancelled.
  public func call<Request: ControlRequest>(
    _ request: Request, build: BuildVersion = .current, progress: @escaping Progress = { _ in },
    holding: (@Sendable (Request.Reply) -> Void)? = nil
  ) async throws(ControlError) -> Request.Reply {
    try await call(request, build: build, progress: progress, holding: holding, onItem: nil)
  }

  /// Sends a request whose answer comes in items, and waits for its end.
  public func call<Request: ControlRequest, Item: Codable & Sendable>(
    _ request: Request, build: BuildVersion = .current, item: @escaping @Sendable (Item) -> Void
  ) async throws(ControlError) -> Request.Reply {
    try await call(request, build: build, progress: { _ in }, holding: nil) { line throws(ControlError) in
      item(try WireCoding.decode(ItemLine<Item>.self, line).item)
    }
  }

  private typealias OnItem = @Sendable ([UInt8]) throws(ControlError) -> Void

  private func call<Request: ControlRequest>(
    _ request: Request, build: BuildVersion, progress: @escaping Progress,
    holding: (@Sendable (Request.Reply) -> Void)?, onItem: OnItem?
  ) async throws(ControlError) -> Request.Reply {
    let line = try WireCoding.encode(RequestLine(build, request))
    let connection = try await connect()
    connection.send(line)
    let hasGivenUp = Flag()
    // A separate task: the caller's cancellation would end the iteration of the lines before the daemon's last answer.
    let reader = Task { () -> Result<Request.Reply, ControlError> in
      defer { connection.close() }
      do throws(ControlError) {
        return .success(try await read(connection, progress: progress, holding: holding, onItem: onItem))
      } catch {
        return .failure(hasGivenUp.value ? Self.stillUndoing : error)
      }
    }
    let patience = patience
    return try await withTaskCancellationHandler {
      await reader.value
    } onCancel: {
      connection.finish()
      Task {
        try? await Task.sleep(for: patience)
        hasGivenUp.value = true
        connection.close()
      }
    }.get()
  }

  private static let stillUndoing = ControlError(
    .cancelled, "cancelled, and the daemon is still undoing",
    remedy: "`devtunnel status` shows it, `devtunnel logs` says what it waits for.")

  private func read<Reply: Codable & Sendable>(
    _ connection: LineConnection, progress: Progress, holding: (@Sendable (Reply) -> Void)?, onItem: OnItem?
  ) async throws(ControlError) -> Reply {
    var held: Reply?
    do {
      let prefix = ItemLine<Nothing>.prefix
      for try await line in connection.lines {
        if let onItem, line.starts(with: prefix) {
          try onItem(line)
          continue
        }
        let answer = try WireCoding.decode(Answer<Reply>.self, line)
        if let error = answer.error { throw error }
        if let text = answer.progress { progress(text) }
        guard let result = answer.result else { continue }
        guard let holding else { return result }
        held = result
        holding(result)
      }
    } catch let error as ControlError {
      throw error
    } catch {
      throw ControlError(.failed, "\(error)")
    }
    if let held { return held }
    throw ControlError(
      .failed, "the daemon ended before it answered",
      remedy: "devtunnel logs shows why; the next command starts it again")
  }
}

/// A Bool that several tasks share.
private final class Flag: Sendable {
  private let state = Mutex(false)
  var value: Bool {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
