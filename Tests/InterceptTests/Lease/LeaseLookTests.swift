import Foundation
import KubeObjects
import Testing

@testable import Intercept

/// A holder's clock may say anything: that it renews tells that it lives.
struct LeaseLookTests {
  private static let start = ContinuousClock.now
  private static let interval = Duration.seconds(12)

  private static func look(
    at seconds: Double, fresh: Bool = false, uid: String = "l", renewed: String? = "2026-01-02T03:04:05.000000Z",
    version: String? = "7"
  ) -> LeaseLook {
    var lease: JSONValue = ["metadata": ["uid": JSONValue(uid)], "spec": [:]]
    lease[path: "metadata", "resourceVersion"] = version.map { JSONValue($0) }
    lease[path: "spec", "renewTime"] = renewed.map { JSONValue($0) }
    return LeaseLook(lease, isFresh: fresh, time: start + .seconds(seconds))
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var first: LeaseLook?
    var now: LeaseLook
    var verdict: LeaseLook.Verdict
  }

  static let rows = [
    Row(testDescription: "fresh at the first look", now: look(at: 0, fresh: true), verdict: .lives),
    Row(testDescription: "fresh at the second", first: look(at: 0), now: look(at: 1, fresh: true), verdict: .lives),
    Row(
      testDescription: "stale at the first", now: look(at: 3), verdict: .unknown(until: start + .seconds(15))),
    Row(
      testDescription: "unchanged, too early", first: look(at: 0), now: look(at: 11.9),
      verdict: .unknown(until: start + .seconds(12))),
    Row(testDescription: "unchanged an interval later", first: look(at: 0), now: look(at: 12), verdict: .stale),
    Row(testDescription: "unchanged long after", first: look(at: 0), now: look(at: 86_400), verdict: .stale),
    Row(
      testDescription: "unchanged, of a first look that was fresh", first: look(at: 0, fresh: true), now: look(at: 12),
      verdict: .stale),
    Row(
      testDescription: "renewed by a slow clock", first: look(at: 0),
      now: look(at: 12, renewed: "2026-01-02T03:04:15.000000Z", version: "8"), verdict: .lives),
    Row(
      testDescription: "renewed, and seen early", first: look(at: 0),
      now: look(at: 1, renewed: "2026-01-02T03:04:15.000000Z", version: "8"), verdict: .lives),
    Row(
      testDescription: "renewed by a clock that was set back", first: look(at: 0),
      now: look(at: 12, renewed: "2020-01-02T03:04:15.000000Z", version: "8"), verdict: .lives),
    Row(
      testDescription: "written without another time", first: look(at: 0), now: look(at: 12, version: "8"),
      verdict: .lives),
    Row(
      testDescription: "a server without versions", first: look(at: 0, version: nil), now: look(at: 12, version: nil),
      verdict: .stale),
    Row(
      testDescription: "never renewed", first: look(at: 0, renewed: nil), now: look(at: 12, renewed: nil),
      verdict: .stale),
    Row(testDescription: "made anew", first: look(at: 0), now: look(at: 12, uid: "m"), verdict: .lives),
  ]

  @Test("Two looks show that a holder lives, or that a Lease is stale", arguments: rows)
  func verdict(row: Row) {
    #expect(row.now.verdict(after: row.first, interval: Self.interval) == row.verdict)
  }

  @Test("The first look at each name counts, and a second one comes in time for a renewal")
  func looks() {
    let looks = LeaseLooks(interval: Self.interval)
    #expect(looks.verdict(Self.look(at: 0), of: "a") == .unknown(until: Self.start + .seconds(12)))
    #expect(looks.verdict(Self.look(at: 6), of: "b") == .unknown(until: Self.start + .seconds(18)))
    #expect(looks.verdict(Self.look(at: 12), of: "a") == .stale)
    #expect(looks.verdict(Self.look(at: 18, version: "8"), of: "b") == .lives)
    #expect(LeaseLooks.interval > WorkloadLease.renewInterval)
  }
}
