import ControlAPI
import Testing

@testable import Intercept

struct WorkloadClaimTests {
  struct Row: Sendable {
    var what: String
    var lease: WorkloadClaim.Lease?
    var others: [String] = []
    /// The intercepts that are restored first; nil if the claim is refused.
    var restoring: [String]? = []
    var restoringByTakeOver: [String]? = []
    /// Of the refusal.
    var message = ""
    var remedy = ""
  }

  private static func lease(ours: Bool, fresh: Bool = true, through service: String? = "web-alt") -> WorkloadClaim.Lease
  {
    WorkloadClaim.Lease(
      holder: ours ? "alice@laptop" : "bob@desk", isOurs: ours, isFresh: fresh, since: "2026-01-02T03:00:00Z",
      service: service)
  }

  private static let left =
    "has been left diverted by bob@desk to the agent of workload web, which web-alt selects, too"

  static let rows = [
    Row(what: "nobody has it"),
    Row(what: "ours from before a crash", lease: lease(ours: true)),
    Row(what: "ours, of a version that did not say which Service", lease: lease(ours: true, through: nil)),
    Row(
      what: "ours through another Service", lease: lease(ours: true, through: "web"), others: ["web"], restoring: nil,
      restoringByTakeOver: nil, message: "you intercept workload web already, through its Service web",
      remedy: "`devtunnel leave web` first; if an earlier daemon left it: `devtunnel restore web -n shop`."),
    Row(
      what: "ours through another Service, not diverted yet", lease: lease(ours: true, through: "web"), restoring: nil,
      restoringByTakeOver: nil, message: "you intercept workload web already"),
    Row(
      what: "another's", lease: lease(ours: false), restoring: nil,
      message: "web-alt is intercepted by bob@desk since 2026-01-02 03:00 UTC",
      remedy: "Ask them to `devtunnel leave web-alt`, or take it from them: --take-over."),
    Row(
      what: "another's through another Service", lease: lease(ours: false, through: "web"), others: ["web"],
      restoring: nil, restoringByTakeOver: ["web"],
      message: "workload web is intercepted through Service web by bob@desk since 2026-01-02 03:00 UTC",
      remedy: "Ask them to `devtunnel leave web`, or take it from them: --take-over."),
    Row(what: "another's, stale", lease: lease(ours: false, fresh: false)),
    Row(what: "another's through another Service, stale", lease: lease(ours: false, fresh: false, through: "web")),
    Row(
      what: "another's through another Service, stale and diverted",
      lease: lease(ours: false, fresh: false, through: "web"), others: ["web"], restoring: nil,
      restoringByTakeOver: ["web"], message: "Service web \(left)",
      remedy: "`devtunnel restore web -n shop` gives it back; so does --take-over."),
    Row(
      what: "left without a Lease", others: ["web", "web-old"], restoring: nil,
      restoringByTakeOver: ["web", "web-old"],
      message: "Service web has been left diverted to the agent"),
    Row(
      what: "ours through this Service, with another left diverted", lease: lease(ours: true), others: ["web"],
      restoring: nil, restoringByTakeOver: ["web"], message: "Service web has been left diverted by alice@laptop"),
  ]

  @Test("Decides who may have a workload", arguments: rows)
  func verdict(row: Row) {
    for (takeOver, restoring) in [(false, row.restoring), (true, row.restoringByTakeOver)] {
      let claim = WorkloadClaim(workload: "web", namespace: "shop", service: "web-alt", takeOver: takeOver)
      switch claim.verdict(row.lease, others: row.others) {
      case .free(let names): #expect(names == restoring, "\(row.what), take-over: \(takeOver)")
      case .refused(let error):
        #expect(restoring == nil, "\(row.what), take-over: \(takeOver): \(error)")
        #expect(error.message.hasPrefix(row.message), "\(row.what): \(error.message)")
        #expect(row.remedy.isEmpty || error.remedy == row.remedy, "\(row.what)")
      }
    }
  }
}
