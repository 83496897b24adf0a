import ControlAPI

/// The answer to `devtunnel explain`.
public struct Explanation: Codable, Sendable, Hashable {
  public var context: String?
  public var namespace: String?
  public var service: String
  /// The Service's port that was looked at, such as `80/http`.
  public var port: String?
  /// One sentence: the first hop that fails, else the first warning, else that all is well.
  public var verdict: String
  /// False if a hop fails.
  public var isWell: Bool
  public var hops: [WayHop]
  public var milliseconds: Int

  /// - Parameters:
  ///   - end: the side at which the way ends, such as `127.0.0.1:8080 here`.
  public init(
    _ hops: [WayHop], service: String, context: String? = nil, namespace: String? = nil, port: String? = nil,
    end: String?, milliseconds: Int
  ) {
    self.context = context
    self.namespace = namespace
    self.service = service
    self.port = port
    self.hops = hops
    self.milliseconds = milliseconds
    isWell = !hops.contains { $0.outcome == .failed }
    verdict = Self.verdict(hops, end: end)
  }

  static func verdict(_ hops: [WayHop], end: String?) -> String {
    if let failed = hops.first(where: { $0.outcome == .failed }) { return failed.detail }
    let arrives = end.map { "requests go to \($0)" } ?? "the way ends here"
    if let warning = hops.first(where: { $0.outcome == .warning }) {
      return "nothing fails, \(arrives), but \(warning.detail)"
    }
    return "all is well: \(arrives)"
  }
}
