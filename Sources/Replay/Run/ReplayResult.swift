import Exchanges

/// The outcome of one request.
public struct ReplayResult: Codable, Sendable, Hashable {
  public enum Outcome: String, Codable, Sendable, Hashable {
    /// The answer is as it was.
    case same
    case differs
    /// There was no answer.
    case failed
    /// It was not sent.
    case skipped
  }

  public var method: String
  public var target: String
  public var outcome: Outcome
  /// The status that was kept, and the one of now.
  public var kept: Int?
  public var now: Int?
  /// Seconds until the answer's end.
  public var duration: Double?
  public var differences: [Difference]
  /// The reason of a failure, or for which it was not sent.
  public var reason: String?

  init(_ exchange: Exchange, _ outcome: Outcome, reason: String? = nil) {
    method = exchange.request.method
    target = exchange.request.target
    self.outcome = outcome
    kept = exchange.answer?.status
    differences = []
    self.reason = reason
  }

  /// `differs  GET /items  200 → 500`, and a line for each difference.
  public var lines: [String] {
    var line = "\(outcome.rawValue.padded(8)) \(method) \(target)"
    switch outcome {
    case .same: line += "  \(now ?? 0)\(duration.map { "  \(Int(($0 * 1000).rounded())) ms" } ?? "")"
    case .differs: break
    case .failed, .skipped: line += "  \(reason ?? "")"
    }
    let most = 20
    let more = differences.count > most ? ["    and \(differences.count - most) more"] : []
    return [line] + differences.prefix(most).map { "    \($0)" } + more
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

/// The outcome of all requests of a file.
public struct ReplaySummary: Codable, Sendable, Hashable {
  public var same = 0
  public var differs = 0
  public var failed = 0
  public var skipped = 0

  public init(_ results: [ReplayResult] = []) { for result in results { add(result) } }

  public mutating func add(_ result: ReplayResult) {
    switch result.outcome {
    case .same: same += 1
    case .differs: differs += 1
    case .failed: failed += 1
    case .skipped: skipped += 1
    }
  }

  public mutating func add(_ other: ReplaySummary) {
    same += other.same
    differs += other.differs
    failed += other.failed
    skipped += other.skipped
  }

  public var sent: Int { same + differs + failed }
  /// True if requests were sent, and each answer was as before.
  public var isGood: Bool { sent > 0 && same == sent }

  /// `37 of 38 answers the same`.
  public var text: String {
    var text = "\(same) of \(sent) answers the same"
    if failed > 0 { text += ", \(failed) without an answer" }
    if skipped > 0 { text += "; \(skipped) not sent" }
    return text
  }
}
