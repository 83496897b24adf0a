import Relay
import TestSupport
import Testing

@testable import Outbound

@Suite struct DNSLookupTests {
  private let dns = DNSFixture()
  private let resolver: DNSResolver

  init() {
    let harness = dns.harness
    resolver = DNSResolver(
      loop: harness.loop, sessions: { [weak harness] in $0(harness?.near) },
      routes: harness.routes, counters: OutboundCounters(),
      settings: Harness.dns(hostSuffixes: [DNSName("corp.example")!], hostServers: [IPEndpoint(.loopback, port: 1)]))
  }

  private func lookUp(_ name: String) -> DNSLookup? {
    var outcome: DNSLookup?
    resolver.lookUp(name) { outcome = $0 }
    #expect(dns.harness.loop.turn { outcome != nil })
    return outcome
  }

  @Test(arguments: [
    ("user", ["user.shop.svc.cluster.local", "user.svc.cluster.local", "user.cluster.local", "user"]),
    ("user.", ["user"]),
    (
      "a.b.c.d.e.f",
      [
        "a.b.c.d.e.f", "a.b.c.d.e.f.shop.svc.cluster.local", "a.b.c.d.e.f.svc.cluster.local",
        "a.b.c.d.e.f.cluster.local",
      ]
    ),
    ("user.shop.svc.cluster.local", ["user.shop.svc.cluster.local"]), ("wiki.corp.example", ["wiki.corp.example"]),
    ("", []), ("a..b", []),
  ])
  func candidates(name: String, expected: [String]) {
    #expect(resolver.candidates(name).map(\.description) == expected)
  }

  @Test func theFirstCandidateThatExistsWinsWhateverComesFirst() {
    var queries: [[UInt8]] = []
    dns.harness.agent.answerDNS = {
      queries.append($0)
      return nil
    }
    var outcome: DNSLookup?
    resolver.lookUp("user") { outcome = $0 }
    #expect(dns.harness.loop.turn { queries.count == 4 })
    let agent = dns.harness.agent.datagramEnds[0]
    for query in queries.reversed() {
      switch Messages.asked(query).name {
      case "user.shop.svc.cluster.local": agent.send(Messages.noSuchName(query))
      case "user.svc.cluster.local": agent.send(Messages.a(query, [10, 0, 0, 2]))
      default: agent.send(Messages.a(query, [10, 0, 0, 3]))
      }
    }
    #expect(dns.harness.loop.turn { outcome != nil })
    #expect(outcome == .found([IPAddress(parsing: "10.0.0.2")!], name: DNSName("user.svc.cluster.local")!))
  }

  @Test func nowhereIsNotFoundAndNoAnswerIsAFailure() {
    dns.harness.agent.answerDNS = { Messages.noSuchName($0) }
    #expect(lookUp("nobody") == .notFound)
    dns.harness.agent.answerDNS = { Messages.answer($0, rcode: 2) }
    #expect(lookUp("other") == .failed)
    dns.harness.disconnect()
    #expect(lookUp("third") == .failed)
  }
}
