import ControlAPI
import Testing
import TunnelProtocol

@testable import Intercept

struct OriginCausesTests {
  @Test("Names the cause of each connection on the origin, as the agent has counted it")
  func causes() {
    var answer = ControlMessage(.onOrigin, port: 80)
    #expect(InterceptReport.Port.causes(of: answer) == nil)
    for (index, reason) in OriginReason.allCases.enumerated() { for _ in 0...index { answer.count(reason) } }
    #expect(answer.onOrigin == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(
      InterceptReport.Port.causes(of: answer) == [
        .earlier: 1, .refused: 2, .timedOut: 3, .unreachable: 4, .away: 5, .exhausted: 7, .failed: 6 + 8,
      ])
  }

  @Test(
    "Takes the host's status for the reason",
    arguments: [
      (StreamStatus.refused, OriginReason.refused), (.timedOut, .timedOut), (.unreachable, .unreachable),
      (.nameNotFound, .unreachable), (.notServed, .notServed), (.exhausted, .exhausted), (.failed, .failed),
    ])
  func statuses(status: StreamStatus, reason: OriginReason) { #expect(OriginReason(status) == reason) }
}
