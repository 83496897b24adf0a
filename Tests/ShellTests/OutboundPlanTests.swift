import ControlAPI
import Testing

@testable import Shell

@Suite struct OutboundPlanTests {
  @Test(arguments: ["10.0.0.0/33", "ten", "10.0.0.1/8", "10.0.0.0/-1"])
  func namesAWrongRange(text: String) {
    var options = OutboundOptions()
    options.viaCluster = [text]
    let error = #expect(throws: ControlError.self) { try OutboundPlan(options) }
    #expect(error?.code == .badInput)
    #expect(error?.message.contains("'\(text)'") == true)
  }

  @Test func thePodsNamesAreTheClusters() throws {
    var options = OutboundOptions()
    options.dnsHost = ["corp.example"]
    let pod = ResolverConfiguration(
      nameservers: ["10.96.0.10"], search: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"],
      options: ["ndots:5"])
    let dns = try OutboundPlan(options).dns(
      pod: pod, host: ResolverConfiguration(nameservers: ["192.0.2.53", "nonsense"]))
    #expect(dns.search.map(\.description).first?.hasPrefix("shop.svc.cluster.local") == true)
    #expect(dns.ndots == 5)
    #expect(dns.hostServers.map(\.description) == ["192.0.2.53:53"])
    #expect(dns.hostSuffixes.count == 1)
  }
}
