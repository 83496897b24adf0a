import ControlAPI
import KubeAPI

extension ControlError {
  /// What the API server or the way to it said, with what it was about.
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
    // Without a word about it: a dial's refusal has an empty body. A namespace that goes away is nobody's to grant.
    return code == 403 && !message.contains("being terminated") ? (.permission, message) : nil
  }
}

/// Runs a call of the API; what it throws says what was being done.
public func attempt<Result>(
  _ what: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation,
  _ call: () async throws(KubeError) -> Result
) async throws(ControlError) -> Result {
  do { return try await call() } catch { throw ControlError(error, doing: what()) }
}
