import Agents
import ControlAPI

/// The decision whether an intercept may have its workload. All Services of a workload share one agent, so one of them
/// is intercepted at a time.
struct WorkloadClaim {
  enum Verdict: Equatable {
    /// Free once these Services, which are diverted to the workload's agent, are given back.
    case free(restoring: [String])
    case refused(ControlError)
  }

  /// The contents of the workload's Lease.
  struct Lease: Equatable {
    /// `alice@laptop`.
    var holder: String
    /// True if the holder is this installation.
    var isOurs: Bool
    var isFresh: Bool
    var since = ""
    /// The Service through which the workload is intercepted; nil if the Lease names none.
    var service: String?
  }

  var workload: String
  var namespace: String
  var service: String
  var takeOver: Bool

  /// Decides.
  /// - Parameters:
  ///   - lease: nil if there is none.
  ///   - others: further Services that are diverted to the workload's agent.
  func verdict(_ lease: Lease?, others: [String]) -> Verdict {
    let through = (lease?.service).flatMap { $0 == service ? nil : $0 }
    if let lease, lease.isFresh, !lease.isOurs {
      if takeOver { return .free(restoring: others) }
      let what =
        through.map { "workload \(workload) is intercepted through Service \($0)" } ?? "\(service) is intercepted"
      return refused(
        "\(what) by \(lease.holder) since \(Timestamp.clock(lease.since))",
        "Ask them to `devtunnel leave \(through ?? service)`, or take it from them: --take-over.")
    }
    if let lease, lease.isFresh, let through {
      return refused(
        Self.oneAtATime(workload, through),
        "`devtunnel leave \(through)` first; if an earlier daemon left it: "
          + "`devtunnel restore \(through) -n \(namespace)`.")
    }
    guard let other = others.first, !takeOver else { return .free(restoring: others) }
    let whose = lease.map { " by \($0.holder)" } ?? ""
    return refused(
      "Service \(other) has been left diverted\(whose) to the agent of workload \(workload), "
        + "which \(service) selects, too",
      "`devtunnel restore \(other) -n \(namespace)` gives it back; so does --take-over.")
  }

  private func refused(_ message: String, _ remedy: String) -> Verdict {
    .refused(ControlError(.conflict, message, remedy: remedy))
  }

  /// Returns the reason why a second Service of a workload is refused.
  static func oneAtATime(_ workload: String, _ other: String) -> String {
    "you intercept workload \(workload) already, through its Service \(other): one Service of a workload at a time"
  }
}
