import TestSupport
import Testing

@testable import Outbound

/// Services by their short names, on a machine whose programs have no search list of the cluster.
@Suite struct ShortNameTests {
  private static let search = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"].map { DNSName($0)! }

  @Test(
    arguments: [
      ("web", "web.shop.svc.cluster.local"), ("WEB.", "web.shop.svc.cluster.local"),
      ("echo.default", "echo.default.svc.cluster.local"), ("a.b.c", nil), (".", nil), ("wpad", nil), ("localhost", nil),
      ("wpad.default", nil), ("intra.corp", nil), ("example.com", nil), ("printer.local", nil),
    ] as [(String, String?)])
  func fullNames(short: String, full: String?) throws {
    let name = try #require(DNSName(short))
    #expect(ShortName.full(name, search: Self.search)?.description == full)
    #expect(ShortName.full(name, search: []) == nil)
    #expect(ShortName.full(name, search: [DNSName("corp.example")!]) == nil)
  }

  /// A machine whose own server knows `known.shop`, and fails for `broken`.
  private func withMachine(_ body: (DNSFixture, _ asked: () -> [String]) throws -> Void) rethrows {
    let port = freePort()
    var settings = Harness.dns(hostServers: [IPEndpoint(.loopback, port: port)])
    settings.search = Self.search
    settings.clusterSuffixes = Self.search
    settings.clusterNamesOnly = true
    let dns = DNSFixture(settings)
    dns.harness.agent.answerDNS = { query in
      ["web.shop.svc.cluster.local", "broken.shop.svc.cluster.local"].contains(Messages.asked(query).name)
        ? Messages.a(query, [10, 96, 0, 7]) : Messages.noSuchName(query)
    }
    let server = UDPServer(loop: dns.harness.loop, port: port) { query in
      switch Messages.asked(query).name {
      case "known.shop": Messages.a(query, [192, 0, 2, 1])
      case "broken": Messages.answer(query, rcode: 2)
      default: Messages.answer(query, rcode: 3)
      }
    }
    try body(dns) { dns.harness.agent.dnsQueries.map { Messages.asked($0).name } }
    server.close()
  }

  @Test(arguments: ["web", "WEB", "web.shop", "broken"]) func aServiceIsFoundUnderTheNameThatWasAsked(name: String)
    throws
  {
    try withMachine { dns, asked in
      let bytes = try #require(dns.ask(Messages.query(name, edns: 1232)))
      let answer = try #require(DNSMessage(bytes))
      #expect(Messages.asked(bytes).name == name && answer.rcode == 0 && bytes.count > 12)
      let record = try #require(answer.records.first)
      #expect(Array(bytes[record.data]) == [10, 96, 0, 7])
      #expect(DNSMessage.name(bytes, record.start).map { DNSName(lowercasing: $0) } == DNSName(name))
      #expect(asked().count == 1 && dns.figures.learnedAddresses == 1)
      _ = dns.ask(Messages.query(name))
      #expect(asked().count == 1, "the answer is kept")
    }
  }

  @Test func theMachinesOwnNamesComeFirst() throws {
    try withMachine { dns, asked in
      #expect(dns.ask(Messages.query("known.shop"))?.suffix(4) == [192, 0, 2, 1])
      for name in ["nobody", "nobody.nowhere"] {
        let bytes = try #require(dns.ask(Messages.query(name)))
        #expect(Messages.rcode(bytes) == 3 && Messages.asked(bytes).name == name)
      }
      #expect(asked() == ["nobody.shop.svc.cluster.local", "nobody.nowhere.svc.cluster.local"])
      for name in ["intra.corp", "www.example.com", "wpad"] {
        #expect(Messages.rcode(try #require(dns.ask(Messages.query(name)))) == 3)
      }
      #expect(asked().count == 2)
    }
  }
}
