import ControlAPI
import Outbound
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
    let scratch = try Scratch()
    let dns = try OutboundPlan(options).dns(
      pod: pod, host: try scratch.resolver("nameserver 192.0.2.53\nnameserver nonsense\n"))
    #expect(dns.search.map(\.description).first?.hasPrefix("shop.svc.cluster.local") == true)
    #expect(dns.ndots == 5)
    #expect(dns.hostServers.map(\.description) == ["192.0.2.53:53"])
    #expect(dns.hostSuffixes.count == 1)
  }

  private func machine(_ search: [String], asked: [String] = []) throws -> (DNSSettings, notes: [String]) {
    var options = OutboundOptions()
    options.dnsCluster = asked
    let scratch = try Scratch()
    return try OutboundPlan(options).machineDNS(
      pod: ResolverConfiguration(nameservers: ["10.96.0.10"], search: search, options: []),
      host: try scratch.resolver("nameserver 192.0.2.53\n"))
  }

  @Test func aWholeMachineKeepsItsOwnNames() throws {
    let usual = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    let (dns, notes) = try machine(usual)
    #expect(dns.clusterNamesOnly && notes.isEmpty && dns.search.map(\.description) == usual)
    #expect(Set(dns.clusterSuffixes.map(\.description)) == Set(usual))
    // The root, a top-level domain, a company's own domain, and another one's.
    for foreign in [".", "com", "local", "corp.example", "corp.internal", "cluster.example.com", "github.com"] {
      let (dns, notes) = try machine(usual + [foreign])
      #expect(Set(dns.clusterSuffixes.map(\.description)) == Set(usual), "\(foreign)")
      #expect(dns.search.count == 3 && notes.count == 1 && notes[0].contains("--dns-cluster"), "\(foreign)")
    }
    #expect(try machine(usual + ["ec2.internal", "google.internal"]).notes.count == 1)
    #expect(try machine(usual + ["corp.example"], asked: ["corp.example"]).notes.isEmpty)
  }

  @Test func aDomainOfOneLabelIsNamedInOneNote() throws {
    let search = ["shop.svc.k8s", "svc.k8s", "k8s"]
    let (dns, notes) = try machine(search)
    #expect(dns.clusterSuffixes.isEmpty)
    #expect(notes.count == 1 && notes[0].hasPrefix("the cluster's domain 'k8s' could be a public one"))
    let (asked, none) = try machine(search, asked: ["k8s"])
    #expect(asked.search.count == 3 && none.isEmpty)
  }

  /// `svc.DOMAIN` in the search list makes DOMAIN the cluster's: of a public one, only Services and Pods are.
  @Test(arguments: [
    ("com", []), ("github.com", ["svc.github.com", "pod.github.com"]),
    ("corp.local", ["svc.corp.local", "pod.corp.local"]),
    ("cluster.test", ["cluster.test"]), ("cluster.com", ["svc.cluster.com", "pod.cluster.com"]),
  ]) func aDomainThatIsNotOnlyTheClustersIsNotTaken(domain: String, taken: [String]) throws {
    let (dns, notes) = try machine(["shop.svc.\(domain)", "svc.\(domain)", domain])
    let expected =
      taken.isEmpty ? [] : Set(taken + ["shop.svc.\(domain)", "svc.\(domain)"] + (taken == [domain] ? [domain] : []))
    #expect(Set(dns.clusterSuffixes.map(\.description)) == expected)
    #expect(notes.isEmpty == (taken == [domain]))
  }
}
