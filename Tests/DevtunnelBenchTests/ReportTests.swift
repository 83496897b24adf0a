import FoundationEssentials
import Testing

@testable import DevtunnelBench

@Suite struct ReportTests {
  @Test func percentilesAreNearestRank() {
    let samples = Samples((1...100).reversed().map(Double.init))
    #expect(samples.percentile(50) == 50)
    #expect(samples.percentile(99) == 99)
    #expect(samples.percentile(100) == 100)
    #expect(samples.percentile(0) == 1)
    #expect(Samples([7]).percentile(99) == 7)
    #expect(Samples([3, 1, 2]).percentile(50) == 2)
    #expect(Samples().percentile(50) == nil)
  }

  @Test func medianOfEvenAndOddCounts() {
    #expect(Samples.median([5, 1, 3]) == 3)
    #expect(Samples.median([4, 1, 3, 2]) == 2.5)
    #expect(Samples.median([]) == nil)
  }

  private func report(_ contenders: [String: [[Metric: Double]]], order: [String]) -> BenchReport {
    let settings = BenchReport.Settings(rounds: 3, service: "echo", seconds: 1, connects: 1, roundTrips: 1, fan: 200)
    var report = BenchReport(settings: settings, contenders: order)
    for index in report.contenders.indices {
      for values in contenders[report.contenders[index].name] ?? [] {
        report.contenders[index].add(Measurement.Outcome(values: values))
      }
    }
    report.conclude()
    return report
  }

  @Test func comparesWithKubectl() {
    let report = report(
      [
        "devtunnel": [[.up: 300, .connectP50: 1], [.up: 500, .connectP50: 1], [.up: 400]],
        "kubectl": [[.up: 200, .connectP50: 4, .down: 0]],
      ],
      order: ["devtunnel", "kubectl"])
    #expect(report.reference == "kubectl")
    #expect(report.contenders[0].medians == [.up: 400, .connectP50: 1])
    #expect(report.ratios == ["devtunnel": [.up: 2, .connectP50: 0.25]])
  }

  @Test func aContenderThatNeverAnsweredHasNoNumbers() {
    var report = report(["kubectl": [[.up: 200]]], order: ["kubectl", "devtunnel"])
    report.contenders[1].add(Measurement.Outcome(problems: ["start: refused"]))
    #expect(report.contenders[1].rounds.isEmpty)
    #expect(report.contenders[1].problems == ["start: refused"])
    #expect(report.ratios == ["devtunnel": [:]])
    #expect(
      report.table == """
                               kubectl  devtunnel  devtunnel/kubectl
        up, one stream (MB/s)      200          -                  -

        """)
  }

  @Test func jsonHasTheMetricsAsKeys() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "devtunnel-bench-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let written = report(["kubectl": [[.up: 200, .fanAnswered: 200]]], order: ["kubectl"])
    try written.write(to: path)
    let data = try #require(FileManager.default.contents(atPath: path))
    #expect(String(decoding: data, as: UTF8.self).contains(#""upMegabytesPerSecond" : 200"#))
    let read = try JSONDecoder().decode(BenchReport.self, from: data)
    #expect(read.contenders[0].medians == [.up: 200, .fanAnswered: 200])
    #expect(throws: BenchError.self) { try written.write(to: "/proc/none/report.json") }
  }

  @Test(
    arguments: [
      (1234.5, "1235"), (99.96, "100.0"), (12.34, "12.3"), (2.055, "2.06"), (1.999, "2.00"), (0.0204, "0.020"),
      (0, "0.000"),
    ] as [(Double, String)]) func threeDigits(value: Double, expected: String)
  {
    #expect(BenchReport.text(value) == expected)
  }
}
