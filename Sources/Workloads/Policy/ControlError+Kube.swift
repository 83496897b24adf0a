import ControlAPI
import KubeAPI

extension ControlError {
  /// Describes an error of the API server, or of the connection to it, with the task that it ended.
  public init(_ error: KubeError, doing what: String) {
    let refusal = Self.refusal(error)
    let code: Code =
      switch error {
      case .config, .execPlugin: .badInput
      case .unreachable, .proxy, .connectionLost, .certificate: .unreachable
      case .unauthorized: .forbidden
      case .timedOut: .timedOut
      case .cancelled: .cancelled
      case .status where refusal.map { $0.cause != .permission } ?? false: .refused
      case .status(403, _, _, _): .forbidden
      case .status(404, _, _, _): .notFound
      case .status(409, _, _, _): .conflict
      case .status, .badResponse, .transport: .failed
      }
    self.init(code, "\(what): \(error)", remedy: refusal.map { $0.cause.remedy($0.message) })
  }

  private static func refusal(_ error: KubeError) -> (cause: Refusal, message: String)? {
    guard case .status(let code, _, let message, _) = error, code != 404, code != 409 else { return nil }
    if let cause = Refusal(message: message) { return (cause, message) }
    // A refused dial has an empty body and so names no cause. Permission doesn't help in a namespace that is being
    // deleted.
    return code == 403 && !message.contains("being terminated") ? (.permission, message) : nil
  }
}

/// Runs a call of the API; an error that it throws begins with what was being done.
public func attempt<Result>(
  _ what: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation,
  _ call: () async throws(KubeError) -> Result
) async throws(ControlError) -> Result {
  do { return try await call() } catch { throw ControlError(error, doing: what()) }
}
