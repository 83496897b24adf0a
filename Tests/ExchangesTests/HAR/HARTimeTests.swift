import Testing

@testable import Exchanges

@Suite struct HARTimeTests {
  @Test(arguments: [
    (0.0, "1970-01-01T00:00:00.000000Z"), (951_782_400.5, "2000-02-29T00:00:00.500000Z"),
    (1_796_112_300.000001, "2026-12-01T08:05:00.000001Z"), (253_402_300_799, "9999-12-31T23:59:59.000000Z"),
  ])
  func written(seconds: Double, text: String) {
    #expect(HARTime.text(seconds) == text)
    #expect(HARTime.seconds(text) == seconds)
  }

  @Test(arguments: [-1.0, .infinity, .nan, 1e300])
  func timesOutOfRange(seconds: Double) { #expect(HARTime.seconds(HARTime.text(seconds)) != nil) }

  @Test(
    arguments: [
      ("2026-12-01T09:05:00.25+01:00", 1_796_112_300.25), ("2026-12-01T03:35:00-0430", 1_796_112_300),
      ("2026-13-01T00:00:00Z", nil), ("2026-12-01", nil), ("2026-12-01T08:05:00", nil), ("2026-12-01T08:05:00.Z", nil),
      ("2026-12-01T08:05:00Z ", nil), ("", nil),
    ] as [(String, Double?)])
  func read(text: String, seconds: Double?) { #expect(HARTime.seconds(text) == seconds) }
}
