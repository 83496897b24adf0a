import Testing

@testable import Shell

@Suite struct ResolverConfigurationTests {
  @Test func readsAPodsFile() {
    let text = """
      # made by the kubelet
      search shop.svc.cluster.test svc.cluster.test cluster.test corp.example
      nameserver 10.96.0.10
      nameserver\t10.96.0.11
      options ndots:5 timeout:2
      nonsense here
      """
    let configuration = ResolverConfiguration(parsing: text)
    #expect(configuration.nameservers == ["10.96.0.10", "10.96.0.11"])
    #expect(configuration.clusterDomain == "cluster.test")
    #expect(configuration.ndots == 5)
    #expect(ResolverConfiguration(parsing: configuration.text) == configuration)
  }

  @Test func anEmptyFileHasNothing() {
    let configuration = ResolverConfiguration(parsing: "")
    #expect(configuration.nameservers.isEmpty && configuration.clusterDomain == nil && configuration.ndots == 1)
  }

  @Test func theLastSearchCounts() {
    #expect(ResolverConfiguration(parsing: "search a b\ndomain c\n").search == ["c"])
  }
}
