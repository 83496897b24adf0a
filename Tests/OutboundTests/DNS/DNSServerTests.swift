import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// A harness whose DNS is asked over real sockets.
final class DNSFixture {
  let harness: Harness
  let address: clinux_address
  let client: UDPClient
  private static let name = "user.shop.svc.cluster.local"

  init(_ settings: DNSSettings = Harness.dns(), rules: RouteRules = RouteRules()) {
    harness = Harness(rules: rules, dns: settings)
    var address = loopback()
    let udp = clinux_udp_bind(&address)
    clinux_local_address(udp, &address)
    let tcp = clinux_tcp_listen(&address, 16)
    harness.outbound.attach(dnsUDP: udp, dnsTCP: tcp)
    self.address = address
    client = UDPClient(loop: harness.loop, to: address)
  }

  deinit { client.close() }

  var figures: OutboundFigures { harness.outbound.figures }

  func ask(_ query: [UInt8]) -> [UInt8]? {
    let before = client.received.count
    client.send(query)
    return harness.loop.turn { client.received.count > before } ? client.received.last : nil
  }
}

@Suite struct DNSServerTests {
  static let name = "user.shop.svc.cluster.local"

  @Test func theFirstComesFromTheClusterTheSecondFromTheCache() throws {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { Messages.a($0, [10, 96, 0, 7]) }
    let first = try #require(dns.ask(Messages.query(Self.name, id: 0x0102)))
    let second = try #require(dns.ask(Messages.query("USER.shop.svc.cluster.local", id: 0xfffe)))
    #expect(first == Messages.a(Messages.query(Self.name, id: 0x0102), [10, 96, 0, 7]))
    #expect(Array(second[0..<2]) == [0xff, 0xfe] && Messages.asked(second).name == "USER.shop.svc.cluster.local")
    #expect(dns.harness.agent.dnsQueries.count == 1)
    #expect(dns.harness.agent.preambles == [Preamble(.dns)])
    let figures = dns.figures
    #expect(figures.dns.fromCluster == 1 && figures.dns.fromCache == 1 && figures.dns.cached == 1)
    #expect(figures.lastQueries.map(\.source) == [.cluster, .cache])
    #expect(
      figures.lastQueries[0].name == Self.name && figures.lastQueries[0].type == "A"
        && figures.lastQueries[0].rcode == "NOERROR")
    #expect(figures.learnedAddresses == 1)
  }

  @Test func allQueriesShareOneStream() {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { Messages.a($0, [10, 96, 0, 7]) }
    for index in 0..<100 { #expect(dns.ask(Messages.query("n\(index).svc.cluster.local", id: index)) != nil) }
    #expect(dns.harness.agent.preambles.count == 1)
  }

  @Test func noSuchNameIsKeptToo() {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { Messages.noSuchName($0) }
    for _ in 0..<3 { #expect(dns.ask(Messages.query("nobody.cluster.local")).map(Messages.rcode) == 3) }
    #expect(dns.harness.agent.dnsQueries.count == 1)
  }

  @Test func theSameQuestionIsAskedOnce() {
    let dns = DNSFixture()
    for id in 0..<5 { dns.client.send(Messages.query(Self.name, id: id)) }
    #expect(dns.harness.loop.turn { dns.harness.agent.dnsQueries.count == 1 && dns.figures.dns.joined == 4 })
    dns.harness.agent.datagramEnds[0].send(Messages.a(dns.harness.agent.dnsQueries[0], [10, 0, 0, 1]))
    #expect(dns.harness.loop.turn { dns.client.received.count == 5 })
    #expect(Set(dns.client.received.map { $0[1] }) == [0, 1, 2, 3, 4])
  }

  @Test func anAnswerToAnotherQuestionIsIgnored() {
    let dns = DNSFixture()
    dns.client.send(Messages.query(Self.name))
    #expect(dns.harness.loop.turn { dns.harness.agent.dnsQueries.count == 1 })
    let query = dns.harness.agent.dnsQueries[0]
    var wrongID = Messages.a(query, [6, 6, 6, 6])
    wrongID[1] ^= 1
    let agent = dns.harness.agent.datagramEnds[0]
    agent.send(wrongID)
    agent.send(Messages.a(Array(query[0..<2]) + Messages.query("other.cluster.local")[2...], [6, 6, 6, 6]))
    agent.send([1, 2, 3])
    agent.send(Messages.a(query, [10, 0, 0, 1]))
    #expect(dns.harness.loop.turn { dns.client.received.count == 1 })
    #expect(dns.client.received[0].suffix(4) == [10, 0, 0, 1])
  }

  @Test func aLongAnswerGoesOverTCP() throws {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { query in
      Messages.answer(query, (0..<60).map { Messages.record(type: 1, ttl: 30, [10, 0, 0, UInt8($0)]) }, opt: true)
    }
    let short = try #require(dns.ask(Messages.query(Self.name)))
    #expect(short[2] & 2 != 0 && short.count <= 512 && short.count > 512 - 16, "whole records, as many as fit")
    #expect(short.count == 12 + Messages.name(Self.name).count + 4 + 16 * Messages.answerCount(short))
    let cut = try #require(dns.ask(Messages.query(Self.name, edns: 512)))
    #expect(
      cut[2] & 2 != 0 && cut.count <= 512 && Messages.word(1) == Array(cut[10..<12]) && cut[cut.count - 11] == 0,
      "OPT is last")
    let roomy = try #require(dns.ask(Messages.query(Self.name, edns: 4096)))
    #expect(roomy[2] & 2 == 0 && Messages.answerCount(roomy) == 60)
    #expect(dns.figures.dns.truncated == 2)
    let tcp = TestClient(loop: dns.harness.loop, port: dns.address.port)
    let query = Messages.query(Self.name)
    let framed = Messages.word(query.count) + query
    tcp.send(framed + framed)
    let length = roomy.count - 11
    #expect(dns.harness.loop.turn { tcp.received.count >= 2 * (length + 2) })
    #expect(Array(tcp.received[0..<2]) == Messages.word(length))
    tcp.finish()
    #expect(dns.harness.loop.turn { tcp.sawEnd })
    #expect(dns.harness.agent.dnsQueries.count == 1)
    tcp.close()
  }

  @Test func ednsIsAnsweredWithEDNSAndPassedOn() throws {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { Messages.a($0, [10, 0, 0, 1], opt: true) }
    let with = try #require(dns.ask(Messages.query(Self.name, edns: 1232)))
    #expect(Messages.word(1) == Array(with[10..<12]))
    let without = try #require(dns.ask(Messages.query(Self.name)))
    #expect(without.count == with.count - 11)
    _ = dns.ask(Messages.query(Self.name, edns: 1232, dnssecOK: true))
    #expect(dns.harness.agent.dnsQueries.count == 2, "signed answers are kept apart")
  }

  @Test func theHostsNameIsAnsweredHere() throws {
    let dns = DNSFixture()
    let answer = try #require(dns.ask(Messages.query("host.devtunnel.internal")))
    #expect(answer.suffix(4) == [198, 18, 0, 1] && Messages.answerCount(answer) == 1)
    let six = try #require(dns.ask(Messages.query("host.devtunnel.internal", type: 28)))
    #expect(Messages.rcode(six) == 0 && Messages.answerCount(six) == 0)
    #expect(dns.harness.agent.preambles.isEmpty && dns.figures.dns.fromSelf == 2)
  }

  @Test func withoutIPv6AAAAHasNoData() throws {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = {
      Messages.asked($0).name == Self.name ? Messages.a($0, [10, 0, 0, 1]) : Messages.noSuchName($0)
    }
    let there = try #require(dns.ask(Messages.query(Self.name, type: 28)))
    #expect(Messages.rcode(there) == 0 && Messages.answerCount(there) == 0)
    #expect(dns.ask(Messages.query("nobody.cluster.local", type: 28)).map(Messages.rcode) == 3)
    #expect(dns.harness.agent.dnsQueries.allSatisfy { Messages.asked($0).type == 1 })
    let six = DNSFixture(Harness.dns(ipv6: true))
    six.harness.agent.answerDNS = {
      Messages.answer($0, [Messages.record(type: 28, ttl: 5, [UInt8](repeating: 0xfd, count: 16))])
    }
    #expect(six.ask(Messages.query(Self.name, type: 28)).map(Messages.answerCount) == 1)
  }

  @Test func otherTypesPass() throws {
    let dns = DNSFixture()
    let data = Messages.word(0) + Messages.word(1) + Messages.word(80) + Messages.name("a.b")
    dns.harness.agent.answerDNS = { Messages.answer($0, [Messages.record(type: 33, ttl: 5, data)]) }
    let answer = try #require(dns.ask(Messages.query("_http._tcp.user.shop.svc.cluster.local", type: 33)))
    #expect(Array(answer.suffix(data.count)) == data)
  }

  @Test func onlyNamesOfTheClusterTeachRoutes() {
    let dns = DNSFixture()
    dns.harness.agent.answerDNS = { Messages.a($0, [203, 0, 113, Messages.asked($0).name.hasPrefix("db") ? 1 : 2]) }
    _ = dns.ask(Messages.query("db.shop.svc.cluster.local"))
    _ = dns.ask(Messages.query("www.example.com"))
    let now = dns.harness.loop.now
    #expect(dns.harness.routes.route(IPAddress(parsing: "203.0.113.1")!, now: now) == .cluster)
    #expect(dns.harness.routes.route(IPAddress(parsing: "203.0.113.2")!, now: now) == .host)
  }

  @Test func aNewSessionIsAskedAgainOnce() {
    let dns = DNSFixture()
    dns.client.send(Messages.query(Self.name))
    #expect(dns.harness.loop.turn { dns.harness.agent.dnsQueries.count == 1 })
    dns.harness.disconnect()
    dns.harness.loop.turn(maximumWait: 1)
    dns.harness.connect()
    #expect(dns.harness.loop.turn { dns.harness.agent.dnsQueries.count == 2 })
    dns.harness.disconnect()
    #expect(dns.harness.loop.turn { dns.client.received.count == 1 })
    #expect(dns.client.received.first.map(Messages.rcode) == 2)
    #expect(dns.figures.dns.unanswered == 1)
    dns.harness.connect()
    dns.harness.agent.answerDNS = { Messages.a($0, [10, 0, 0, 1]) }
    #expect(dns.ask(Messages.query(Self.name)).map(Messages.rcode) == 0)
  }

  @Test func withoutATunnelItFails() {
    let dns = DNSFixture()
    dns.harness.disconnect()
    dns.client.send(Messages.query(Self.name))
    #expect(dns.harness.loop.turn { dns.figures.dns.queries == 1 })
    dns.harness.giveUpWaiting()
    #expect(dns.harness.loop.turn { dns.client.received.count == 1 })
    #expect(dns.client.received.first.map(Messages.rcode) == 2)
    #expect(dns.figures.lastProblem?.contains("no tunnel") == true)
  }

  @Test func badMessagesAreRefusedOrDropped() throws {
    let dns = DNSFixture()
    var notify = Messages.query(Self.name)
    notify[2] |= 4 << 3
    #expect(dns.ask(notify).map(Messages.rcode) == 4)
    #expect(dns.ask(Array(Messages.query(Self.name).dropLast(3))).map(Messages.rcode) == 1)
    var response = Messages.query(Self.name)
    response[2] |= 0x80
    dns.client.send(response)
    dns.client.send([1, 2, 3])
    dns.client.send([])
    #expect(dns.harness.loop.turn { dns.figures.dns.malformed == 4 })
    #expect(dns.client.received.count == 2)
  }
}
