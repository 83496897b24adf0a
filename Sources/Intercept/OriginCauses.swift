import ControlAPI
import TunnelProtocol

extension InterceptReport.Port {
  /// Returns the numbers of an agent's answer by their causes; nil if there are no connections.
  static func causes(of answer: ControlMessage) -> [OriginCause: Int]? {
    var causes: [OriginCause: Int] = [:]
    for (reason, count) in zip(OriginReason.allCases, answer.onOrigin) where count > 0 {
      causes[OriginCause(reason), default: 0] += count
    }
    return causes.isEmpty ? nil : causes
  }
}

extension InterceptReport.Port.OriginCause {
  fileprivate init(_ reason: OriginReason) {
    self =
      switch reason {
      case .notTurned: .earlier
      case .refused: .refused
      case .timedOut: .timedOut
      case .unreachable: .unreachable
      case .noSession: .away
      case .exhausted: .exhausted
      case .notServed, .failed: .failed
      }
  }
}
