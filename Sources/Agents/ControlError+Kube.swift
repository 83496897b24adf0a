import ControlAPI
import KubeAPI

extension ControlError {
  /// What the API server or the way to it said, with what it was about.
  public init(_ error: KubeError, doing what: String) {
    let code: Code =
      switch error {
      case .config, .execPlugin: .badInput
      case .unreachable, .connectionLost, .certificate: .unreachable
      case .unauthorized: .forbidden
      case .timedOut: .timedOut
      case .cancelled: .cancelled
      case .status(403, _, _, _): .forbidden
      case .status(404, _, _, _): .notFound
      case .status(409, _, _, _): .conflict
      case .status, .badResponse, .transport: .failed
      }
    var remedy: String?
    if case .status(403, _, _, _) = error {
      remedy = "Ask an administrator for that permission; `devtunnel doctor` lists all that are needed, and the ClusterRole `edit` in the namespace has them."
    }
    self.init(code, "\(what): \(error)", remedy: remedy)
  }
}

/// Runs a call of the API; what it throws says what was being done.
public func attempt<Result>(
  _ what: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation, _ call: () async throws(KubeError) -> Result
) async throws(ControlError) -> Result {
  do { return try await call() } catch { throw ControlError(error, doing: what()) }
}
