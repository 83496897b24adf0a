import Foundation
import Testing

@testable import Intercept

struct TimestampTests {
  @Test(
    "A MicroTime comes back as it went",
    arguments: [0, 1_767_323_045, 1_767_323_045.5, 1_767_323_045.000001, 1_767_323_045.999999])
  func roundTrip(seconds: Double) throws {
    let text = Timestamp.micro(Date(timeIntervalSince1970: seconds))
    let parsed = try #require(Timestamp.parse(text))
    #expect(abs(parsed.timeIntervalSince1970 - seconds) < 0.000_002)
    #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil, "\(text)")
  }

  @Test(
    "Times as Kubernetes writes them",
    arguments: [("2026-01-02T03:04:05Z", 1_767_323_045.0), ("2026-01-02T03:04:05.250000Z", 1_767_323_045.25)])
  func parse(text: String, seconds: Double) throws {
    #expect(try #require(Timestamp.parse(text)).timeIntervalSince1970 == seconds)
  }

  @Test("Refuses texts that are no time", arguments: ["", "soon", "2026-01-02", "."])
  func noTime(text: String) {
    #expect(Timestamp.parse(text) == nil)
  }

  @Test("For a person")
  func clock() {
    #expect(Timestamp.clock("2026-01-02T03:04:05.250000Z") == "2026-01-02 03:04 UTC")
    #expect(Timestamp.clock("unknown") == "unknown")
  }
}
