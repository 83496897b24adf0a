import Agents
import Foundation
import KubeObjects
import Testing

@testable import Intercept

/// A Lease may hold anything: nothing in it keeps others out without end, and nothing ends the daemon.
struct LeaseTimesTests {
  private static let now = Date(timeIntervalSince1970: 1_767_323_045)

  @Test(
    "Fresh",
    arguments: [
      (0.0, 30, true), (29, 30, true), (31, 30, false), (29, nil, true), (31, nil, false), (59, 60, true),
      (59, 2_147_483_647, true),
      (61, 2_147_483_647, false), (61, Int.max, false), (29, 0, true), (31, 0, false), (29, -1, true),
      (31, Int.min, false), (-59, 30, true), (-3_600, 30, true), (-86_399, 30, true), (-86_401, 30, false),
      (-86_400 * 365 * 100, 30, false), (-86_401, Int.max, false), (1e18, 30, false), (-1e18, 30, false), (2, 1, false),
    ] as [(Double, Int?, Bool)])
  func fresh(age: Double, duration: Int?, isFresh: Bool) {
    #expect(WorkloadLease.isFresh(renewed: Self.now - age, duration: duration, now: Self.now) == isFresh)
  }

  @Test("A Lease with any content is stale a day after its last change")
  func neverForEver() {
    for ahead in stride(from: -300.0, through: 90_000, by: 60) {
      for duration in [nil, Int.min, -1, 0, 1, 30, 60, 2_147_483_647, .max] {
        let renewed = Self.now + ahead
        let wasFresh = WorkloadLease.isFresh(renewed: renewed, duration: duration, now: Self.now)
        #expect(
          !wasFresh || !WorkloadLease.isFresh(renewed: renewed, duration: duration, now: Self.now + 86_461),
          "\(ahead) \(duration ?? 0)")
      }
    }
  }

  @Test("Anything at all in a Lease is read without a trap")
  func garbage() throws {
    let values: [JSONValue] = [
      .null, true, .int(.max), .int(.min), .double(1e308), "", "x", "\u{1B}]0;pwn\u{7}", [], [:], ["a"],
      .string(String(repeating: "9", count: 100_000)),
      "9999-12-31T23:59:59.999999Z", "0000-00-00T00:00:00Z", "-1-01-01T00:00:00Z", "2026-13-45T99:99:99Z",
      "2026-01-02T03:04:05.Z",
      "2026-01-02T03:04:05.999999999999999999Z",
    ]
    for value in values {
      for member in ["holderIdentity", "renewTime", "acquireTime", "leaseDurationSeconds", "leaseTransitions"] {
        var lease: JSONValue = [
          "spec": [
            "holderIdentity": "bob@desk", "leaseDurationSeconds": 30, "leaseTransitions": 4,
            "renewTime": JSONValue(Timestamp.micro(Self.now)),
            "acquireTime": JSONValue(Timestamp.micro(Self.now)),
          ]
        ]
        lease[path: "spec", member] = value
        let held = WorkloadLease.held(lease, now: Self.now)
        if let held {
          #expect(
            !Timestamp.clock(held.since).isEmpty && Timestamp.clock(held.since).count <= 40
              && "\(held.holder)".count <= 128)
        }
      }
      #expect(WorkloadLease.held(["spec": value]) == nil)
      #expect(WorkloadLease.held(value) == nil)
    }
  }

  @Test(
    "Reads the replicas of an annotation",
    arguments: [
      ("3", 3), ("0", 0), ("2147483647", 2_147_483_647), ("2147483648", nil), ("-1", nil), ("", nil), ("x", nil),
      ("3 ", nil), ("9223372036854775808", nil),
      ("1e3", nil),
    ] as [(String, Int?)])
  func replicas(text: String, number: Int?) {
    #expect(Replicas.number(text) == number)
  }

  @Test("An agent's figures may be anything")
  func counters() {
    var counters = PortCounters()
    let figures: [UInt64] = [0, 1, .max, 3, .max - 1, .max, 0]
    for first in figures { for second in figures { counters.take(toHost: first, toOrigin: second) } }
    counters.leaveOut(.max)
    counters.leaveOut(.max)
    #expect(counters.toHost == .max && counters.toOrigin == 0)
    #expect(InterceptedWorkload.probes(origins: .max) == 24 && InterceptedWorkload.probes(origins: 0) == 6)
  }
}
