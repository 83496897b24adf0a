import Manifests

/// A workload's change after it was ready.
public enum Trouble: Sendable, Hashable {
  /// It is no longer ready, and will not recover by itself: with its Pod's state and the last lines of its log.
  case failing(DeployError)
  case recovered(ObjectID)
}

/// Decides which of a workload's states are reported: a crash loop is ready for a moment again and again. No I/O.
struct TroubleView {
  private enum State {
    case well
    case failing
    case ready(since: ContinuousClock.Instant)
  }

  enum News {
    case failing(AppliedObject, ReadinessView.Verdict)
    case recovered(AppliedObject)
  }

  /// The time that a workload must be ready after a failure before it counts as recovered.
  static let calm = Duration.seconds(30)

  private var states: [ObjectID: State] = [:]

  /// - Returns: the changes to report.
  mutating func take(_ verdicts: [(AppliedObject, ReadinessView.Verdict)], at now: ContinuousClock.Instant) -> [News] {
    var news: [News] = []
    for (workload, verdict) in verdicts {
      let state = states[workload.id] ?? .well
      switch (verdict.state, state) {
      case (.failed, .well):
        news.append(.failing(workload, verdict))
        states[workload.id] = .failing
      case (.failed, _), (.waiting, .ready): states[workload.id] = .failing
      case (.ready, .failing): states[workload.id] = .ready(since: now)
      case (.ready, .ready(let since)) where now - since >= Self.calm:
        news.append(.recovered(workload))
        states[workload.id] = .well
      default: break
      }
    }
    return news
  }
}
