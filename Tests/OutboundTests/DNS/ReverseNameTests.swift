import Relay
import TestSupport
import Testing

@testable import Outbound

/// Names of addresses that the host knows as others.
@Suite struct ReverseNameTests {
  private func rules() throws -> RouteRules {
    var rules = RouteRules()
    rules.aliases = AddressMap([
      try #require(AddressMap.Entry(real: CIDR(parsing: "10.96.0.0/16"), alias: CIDR(parsing: "198.19.0.0/16")))
    ])
    return rules
  }

  /// PTR to `name` whose end points into the question, as servers write it where they can.
  private func pointer(_ query: [UInt8], _ name: String) -> [UInt8] {
    let zone = Messages.questionEnd(query) - 4 - Messages.name("in-addr.arpa").count
    return Messages.answer(
      query, [Messages.record(type: 12, ttl: 30, Messages.name(name).dropLast() + [0xc0, UInt8(zone)])], opt: true)
  }

  @Test(
    arguments: [
      ("7.2.96.10.in-addr.arpa", "10.96.2.7"), ("255.0.0.0.IN-ADDR.ARPA.", "0.0.0.255"), ("2.96.10.in-addr.arpa", nil),
      ("1.7.2.96.10.in-addr.arpa", nil),
      ("in-addr.arpa", nil), ("07.2.96.10.in-addr.arpa", nil), ("+7.2.96.10.in-addr.arpa", nil),
      ("256.2.96.10.in-addr.arpa", nil),
      ("7.2.96.10.in-addr.arpa.cluster.local", nil), ("7.2.96.10", nil),
    ] as [(String, String?)])
  func whichAddressANameIsOf(name: String, address: String?) {
    #expect(DNSName(name)?.reverseAddress?.description == address)
  }

  @Test func theClusterIsAskedForTheTrueAddressAndAnswersUnderTheOther() throws {
    let dns = DNSFixture(rules: try rules())
    dns.harness.agent.answerDNS = { query in self.pointer(query, "web") }
    let asked = "7.2.19.198.IN-addr.arpa"
    let bytes = try #require(dns.ask(Messages.query(asked, type: 12, edns: 1232)))
    #expect(dns.harness.agent.dnsQueries.map { Messages.asked($0).name } == ["7.2.96.10.in-addr.arpa"])
    let answer = try #require(DNSMessage(bytes))
    #expect(Messages.asked(bytes).name == asked && answer.edns != nil)
    let record = try #require(answer.records.first)
    #expect(
      DNSMessage.name(bytes, record.start) == Messages.name(asked.lowercased())
        || DNSMessage.name(bytes, record.start) == Messages.name(asked))
    #expect(
      DNSMessage.name(bytes, record.data.lowerBound) == Messages.name("web.in-addr.arpa"),
      "what the target's pointer meant")
    #expect(record.type == 12 && record.ttl == 30 && answer.records.count == 1)

    _ = dns.ask(Messages.query(asked, type: 12))
    #expect(dns.harness.agent.dnsQueries.count == 1 && dns.figures.dns.fromCache == 1)
    #expect(dns.figures.lastQueries.first?.name == asked.lowercased())
  }

  @Test func noSuchNameNamesAZoneOfTheNameAsked() throws {
    let dns = DNSFixture(rules: try rules())
    dns.harness.agent.answerDNS = { query in
      let soa =
        Messages.name("ns.dns.cluster.local") + Messages.name("host.cluster.local") + [UInt8](repeating: 0, count: 19)
        + [5]
      var answer = Messages.answer(query, rcode: 3, authority: [Messages.record(type: 6, ttl: 5, soa)])
      answer[Messages.questionEnd(query) + 1] = UInt8(12 + 5)  // 96.10.in-addr.arpa
      return answer
    }
    for _ in 0..<2 {
      let bytes = try #require(dns.ask(Messages.query("8.20.19.198.in-addr.arpa", type: 12)))
      let zone = try #require(DNSMessage(bytes)?.records.first)
      #expect(Messages.rcode(bytes) == 3 && DNSMessage.name(bytes, zone.start) == Messages.name("19.198.in-addr.arpa"))
    }
    #expect(dns.harness.agent.dnsQueries.count == 1, "it is kept")
  }

  @Test func addressesOutsideOfTheMapKeepTheirNames() throws {
    let dns = DNSFixture(rules: try rules())
    dns.harness.agent.answerDNS = { query in self.pointer(query, "web") }
    _ = dns.ask(Messages.query("7.2.96.11.in-addr.arpa", type: 12))
    _ = dns.ask(Messages.query("2.19.198.in-addr.arpa", type: 6))
    #expect(
      dns.harness.agent.dnsQueries.map { Messages.asked($0).name } == [
        "7.2.96.11.in-addr.arpa", "2.19.198.in-addr.arpa",
      ])
  }

  /// A whole machine keeps its own names: among them those of its own addresses that the cluster has too.
  @Test func aWholeMachineAsksTheClusterForTheClustersAddressesOnly() throws {
    let port = freePort()
    var settings = Harness.dns(hostServers: [IPEndpoint(.loopback, port: port)])
    settings.clusterNamesOnly = true
    settings.clusterRanges = [try CIDR(parsing: "198.19.0.0/16"), try CIDR(parsing: "10.244.0.0/16")]
    let dns = DNSFixture(settings, rules: try rules())
    var ofHost: [String] = []
    let server = UDPServer(loop: dns.harness.loop, port: port) { query in
      ofHost.append(Messages.asked(query).name)
      return Messages.noSuchName(query)
    }
    dns.harness.agent.answerDNS = { query in self.pointer(query, "web") }
    for name in ["7.2.19.198", "3.1.244.10", "7.2.96.10", "1.1.168.192"] {
      #expect(dns.ask(Messages.query(name + ".in-addr.arpa", type: 12)) != nil)
    }
    #expect(
      dns.harness.agent.dnsQueries.map { Messages.asked($0).name } == [
        "7.2.96.10.in-addr.arpa", "3.1.244.10.in-addr.arpa",
      ])
    #expect(ofHost == ["7.2.96.10.in-addr.arpa", "1.1.168.192.in-addr.arpa"])
    server.close()
  }
}
