import ControlAPI
import Testing

@testable import Daemon

struct StatusMomentsTests {
  private func items(_ state: InterceptReport.State = .active, toHost: UInt64 = 0, message: String? = nil)
    -> [StatusItem]
  {
    StatusReport(
      daemon: nil,
      intercepts: [
        InterceptReport(
          context: "dev", cluster: .unknown, namespace: "shop", service: "web", workload: "Deployment/web",
          state: state, ports: [.init(service: 80, name: nil, target: 80, host: "127.0.0.1:80", toHost: toHost)],
          holder: "a@b", since: "now", message: message)
      ]
    ).items
  }

  @Test func aSignalDoesNotTellOfCountersAndTheClockDoes() {
    var moments = StatusMoments()
    #expect(moments.take(items(), for: .signal)?.number == 1)
    #expect(moments.take(items(toHost: 1), for: .signal) == nil)
    #expect(moments.take(items(toHost: 1), for: .clock)?.number == 2)
    #expect(moments.take(items(.failedOpen, toHost: 2), for: .signal)?.items == items(.failedOpen, toHost: 2))
    #expect(moments.take(items(.failedOpen, toHost: 2, message: "3 were refused"), for: .signal)?.number == 4)
    #expect(moments.take(items(.failedOpen, toHost: 2, message: "4 were refused"), for: .signal) == nil)
    #expect(moments.take(items(.failedOpen, toHost: 2, message: "4 were refused"), for: .clock)?.number == 5)
  }

  @Test func aQuietTimeHasHeartbeats() {
    var moments = StatusMoments()
    _ = moments.take(items(), for: .clock)
    for _ in 1..<StatusMoments.mostQuiet { #expect(moments.take(items(), for: .clock) == nil) }
    // Signals without a change are no time.
    #expect(moments.take(items(), for: .signal) == nil)
    #expect(moments.take(items(), for: .clock)?.number == 1)
    #expect(moments.take(items(), for: .clock) == nil)
  }

  @Test func aReaderThatMissedAMomentGetsASnapshot() {
    var follower = StatusFollower()
    let report = StatusReport(items: items())
    #expect(follower.take(StatusMoment(number: 7, items: items())) == [.snapshot(report)])
    #expect(follower.take(StatusMoment(number: 7, items: items())) == [.heartbeat])
    #expect(follower.take(StatusMoment(number: 8, items: items(toHost: 1))) == [.changed(items(toHost: 1)[0])])
    #expect(follower.take(StatusMoment(number: 10, items: items())) == [.snapshot(report)])
    #expect(
      follower.take(StatusMoment(number: 11, items: [])) == [
        .removed(.init(kind: .intercept, id: "dev/shop/web")), .removed(.init(kind: .left, id: "left")),
        .removed(.init(kind: .notes, id: "notes")),
      ])
  }
}
