import CLinux
import Testing

@testable import Outbound

/// The time that the resolver itself adds. The bounds are far above the measured times (docs/outbound.md), for
/// machines that do other work.
@Suite(.serialized) struct DNSLatencyTests {
  private func median(_ dns: DNSFixture, _ names: [String]) -> UInt64 {
    var times: [UInt64] = []
    for (index, name) in names.enumerated() {
      let query = Messages.query(name, id: index & 0xffff)
      let started = clinux_monotonic_us()
      guard dns.ask(query) != nil else { continue }
      times.append(clinux_monotonic_us() - started)
    }
    #expect(times.count == names.count)
    return times.sorted()[times.count / 2]
  }

  @Test func cachedAndNot() {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { Messages.a($0, [10, 96, 0, 7]) }
    let uncached = median(dns, (0..<500).map { "n\($0).shop.svc.cluster.local" })
    let cached = median(dns, Array(repeating: "n7.shop.svc.cluster.local", count: 500))
    print("DNS p50: cached \(cached) µs, uncached over a session in this process \(uncached) µs")
    #expect(cached < 2_000 && uncached < 5_000)
    #expect(dns.figures.dns.fromCache == 500 && dns.figures.dns.fromCluster == 500)
  }
}
