import Manifests

/// What became of a workload after it was ready.
public enum Trouble: Sendable, Hashable {
  /// It no longer is ready, and will not be again by itself: with its Pod's state and the last lines of its log.
  case failing(DeployError)
  case recovered(ObjectID)
}

/// Decides what of a workload's states is told: a crash loop is ready for a moment again and again. No I/O.
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

  /// How long a workload that failed must be ready before it counts as mended.
  static let calm = Duration.seconds(30)

  private var states: [ObjectID: State] = [:]

  /// - Returns: what has changed and is to be told.
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
