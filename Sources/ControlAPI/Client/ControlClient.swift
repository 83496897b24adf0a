import Synchronization

/// Asks the daemon. Each call has a connection of its own, so that its end is the call's end.
public struct ControlClient: Sendable {
  public typealias Progress = @Sendable (String) -> Void

  private let connect: @Sendable () async throws(ControlError) -> LineConnection
  /// How long a cancelled call waits for the daemon's word that all is undone; longer than the daemon tries before it
  /// says that it goes on trying.
  private let patience: Duration

  init(patience: Duration = .seconds(25), connect: @escaping @Sendable () async throws(ControlError) -> LineConnection)
  {
    self.patience = patience
    self.connect = connect
  }

  /// A client that starts the daemon where none runs.
  public init(starter: DaemonStarter) { self.init { () async throws(ControlError) in try await starter.connect() } }

  /// A client of the daemon that runs; nil where none does.
  public static func ofRunningDaemon(paths: ControlPaths) throws(ControlError) -> ControlClient? {
    guard let connection = try ControlSocket.connectIfListening(paths.socket) else { return nil }
    return ControlClient { () async throws(ControlError) in connection }
  }

  /// Calls a method and waits for its result.
  ///
  /// Cancelling the task cancels the request in the daemon, and this still waits for its last word: an error with code
  /// `.cancelled`, or the result where it was ready before; the caller then undoes it.
  /// - - Parameter holding: called with the result; then the call goes on until the daemon ends it, or the task is
  ///   cancelled.
  public func call<Parameters: Codable & Sendable, Result: Codable & Sendable>(
    _ method: Method, _ parameters: Parameters, build: BuildVersion = .current, returning: Result.Type = Result.self,
    progress: @escaping Progress = { _ in }, holding: (@Sendable (Result) -> Void)? = nil
  ) async throws(ControlError) -> Result {
    let request = try WireCoding.encode(Request(build, method, parameters))
    let connection = try await connect()
    connection.send(request)
    let hasGivenUp = Flag()
    // A task of its own: iterating the lines would end with the caller's cancellation, before the daemon's last word.
    let reader = Task { () -> Swift.Result<Result, ControlError> in
      defer { connection.close() }
      do throws(ControlError) {
        return .success(try await read(connection, progress: progress, holding: holding))
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

  private func read<Result: Codable & Sendable>(
    _ connection: LineConnection, progress: Progress, holding: (@Sendable (Result) -> Void)?
  ) async throws(ControlError) -> Result {
    var held: Result?
    do {
      for try await line in connection.lines {
        let answer = try WireCoding.decode(Answer<Result>.self, line)
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

/// Set once.
private final class Flag: Sendable {
  private let state = Mutex(false)
  var value: Bool {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
