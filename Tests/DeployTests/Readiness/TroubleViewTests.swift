import KubeAPI
import Manifests
import Testing

@testable import Deploy

struct TroubleViewTests {
  private let workload = AppliedObject(
    id: ObjectID(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "user"), resource: .deployments,
    uid: "u", generation: 1,
    resourceVersion: "1", change: .created, position: nil)

  /// Returns the reported lines for a state at each second.
  private func told(_ states: [(second: Int, state: ReadinessProgress.State)]) -> [String] {
    var view = TroubleView()
    let start = ContinuousClock.now
    return states.flatMap { second, state in
      let verdict = ReadinessView.Verdict(state: state, rollout: Rollout([:], generation: 0, replicaSets: [], pods: []))
      return view.take([(workload, verdict)], at: start + .seconds(second)).map { news in
        switch news {
        case .failing: "\(second) failing"
        case .recovered: "\(second) recovered"
        }
      }
    }
  }

  @Test("A crash loop, ready for a moment again and again, is reported once, and once when it is over")
  func once() {
    let crash = ReadinessProgress.State.failed("crash")
    #expect(
      told([
        (0, .ready), (1, crash), (2, .ready), (3, .waiting("back-off")), (13, .ready), (14, crash), (20, .ready),
        (49, .ready), (50, .ready), (51, .ready),
        (60, crash), (61, crash),
      ]) == ["1 failing", "50 recovered", "60 failing"])
  }

  @Test("Does not report a Pod that only waits")
  func waiting() {
    #expect(told([(0, .waiting("a")), (1, .ready), (2, .waiting("b")), (3, .ready), (60, .ready)]) == [])
  }
}
