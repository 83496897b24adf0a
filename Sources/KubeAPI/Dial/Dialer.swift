import Threads

/// Opens WebSocket connections to an API server, for port-forward and exec.
public struct Dialer: Sendable {
  public let access: ClusterAccess
  /// The time for the head of the server's answer, once connected.
  public var answerTimeout: Duration

  public init(_ access: ClusterAccess, answerTimeout: Duration = .seconds(20)) {
    self.access = access
    self.answerTimeout = answerTimeout
  }

  /// Connects, and upgrades the connection.
  /// - Parameters:
  ///   - path: absolute and encoded, without the server URL's own path.
  ///   - query: encoded here.
  ///   - subprotocols: the best first.
  /// - Returns: the connection, for one thread to own.
  /// - Throws: `KubeError`; also for an answer other than 101. When the task is cancelled, `.cancelled`
  ///   within about a second.
  public func dialWebSocket(
    path: String, query: [(String, String)] = [], subprotocols: [String]
  ) async throws(KubeError) -> UpgradedConnection {
    let target = HTTPRequest("GET", access.server.basePath + path, query: query).target
    let credentials = try await access.credentials.current()
    do { return try await dial(target, subprotocols, credentials) } catch {
      guard error.statusCode == 401, await access.credentials.invalidate(credentials) else { throw error }
    }
    return try await dial(target, subprotocols, try await access.credentials.current())
  }

  private func dial(_ target: String, _ subprotocols: [String], _ credentials: Credentials) async throws(KubeError)
    -> UpgradedConnection
  {
    let handle = try CurlHandle()
    try CurlConfiguration.apply(access, credentials, target: "/", to: handle)
    let upgrade = try UpgradeRequest(
      target: target, authority: access.server.authority, headers: CurlConfiguration.headers(access, credentials),
      subprotocols: subprotocols)
    let dial = Dial(handle, upgrade, server: access.server, answerTimeout: answerTimeout)
    let result: Result<UpgradedConnection, KubeError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        do throws(ThreadError) {
          try startThread("kube-dial") {
            do throws(KubeError) { continuation.resume(returning: .success(try dial.run())) } catch {
              continuation.resume(returning: .failure(error))
            }
          }
        } catch {
          continuation.resume(returning: .failure(.transport(problem: error.description)))
        }
      }
    } onCancel: {
      dial.cancel()
    }
    return try result.get()
  }
}

extension KubeClient {
  /// Opens a WebSocket to the API server with a `Dialer` for this client's cluster and user.
  public func dialWebSocket(
    path: String, query: [(String, String)] = [], subprotocols: [String]
  ) async throws(KubeError) -> UpgradedConnection {
    try await Dialer(access).dialWebSocket(path: path, query: query, subprotocols: subprotocols)
  }
}
