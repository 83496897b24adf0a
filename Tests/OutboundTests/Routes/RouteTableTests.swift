import Testing

@testable import Outbound

@Suite struct RouteTableTests {
  private func table(cluster: [String] = [], host: [String] = [], all: Bool = false) throws -> RouteTable {
    RouteTable(
      RouteRules(
        viaCluster: try cluster.map { try CIDR(parsing: $0) }, viaHost: try host.map { try CIDR(parsing: $0) },
        allViaCluster: all))
  }

  private func route(_ table: RouteTable, _ text: String, now: UInt64 = 0) -> Route {
    table.route(IPAddress(parsing: text)!, now: now)
  }

  @Test(
    "Without options",
    arguments: [
      ("10.96.0.1", .cluster), ("172.16.0.1", .cluster), ("172.31.255.255", .cluster), ("172.32.0.1", .host),
      ("192.168.1.1", .cluster),
      ("100.64.0.1", .cluster), ("100.127.255.255", .cluster), ("100.128.0.1", .host), ("169.254.169.254", .cluster),
      ("8.8.8.8", .host),
      ("127.0.0.1", .hostLoopback), ("127.9.9.9", .hostLoopback), ("198.18.0.1", .hostLoopback), ("198.18.0.2", .host),
      ("::1", .hostLoopback),
      ("2001:db8::1", .host), ("::ffff:10.0.0.1", .cluster),
    ] as [(String, Route)])
  func defaults(text: String, expected: Route) throws { #expect(route(try table(), text) == expected) }

  @Test func theLongestPrefixWinsAndTheHostWinsATie() throws {
    let table = try table(
      cluster: ["203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"],
      host: ["10.1.0.0/16", "203.0.113.7", "198.51.100.0/24"])
    #expect(route(table, "203.0.113.6") == .cluster)
    #expect(route(table, "203.0.113.7") == .host)
    #expect(route(table, "198.51.100.1") == .host)
    #expect(route(table, "10.1.2.3") == .host)
    #expect(route(table, "10.2.2.3") == .cluster)
    #expect(route(table, "2001:db8::1") == .cluster)
  }

  @Test func anOptionWinsOverADefaultOfTheSameLength() throws {
    #expect(route(try table(host: ["10.0.0.0/8"]), "10.0.0.1") == .host)
  }

  @Test func allViaClusterLeavesWhatIsNamed() throws {
    let table = try table(host: ["8.8.8.0/24"], all: true)
    #expect(route(table, "1.1.1.1") == .cluster)
    #expect(route(table, "2001:db8::1") == .cluster)
    #expect(route(table, "8.8.8.8") == .host)
    #expect(route(table, "127.0.0.1") == .hostLoopback)
  }

  @Test func aLearnedAddressIsTheClustersForAWhile() throws {
    let table = try table(host: ["203.0.113.9"])
    for last in ["203.0.113.8", "203.0.113.9"] { table.learn(IPAddress(parsing: last)!, ttl: 30, now: 0) }
    #expect(route(table, "203.0.113.8", now: 31_000_000) == .cluster)
    #expect(route(table, "203.0.113.9", now: 31_000_000) == .host, "what a person said counts more")
    #expect(route(table, "203.0.113.8", now: RouteTable.grace + 30_000_000) == .host)
  }

  @Test func whatIsLearnedIsBounded() throws {
    let table = try table()
    for index in 0..<(RouteTable.learnedLimit + 100) {
      table.learn(IPAddress(high: UInt64(index) << 32, low: 0, isIPv6: false), ttl: 1, now: 0)
    }
    #expect(table.learnedCount == RouteTable.learnedLimit)
  }

  @Test(
    "Names a text that is not a range",
    arguments: [
      "", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "a/8", "10.0.0.0/8/8", "::/129", "10.0.0.1/8",
      "10.0.0.0/+8",
    ])
  func badCIDR(text: String) {
    let error = #expect(throws: OutboundError.self) { try CIDR(parsing: text) }
    #expect(error?.message.contains("'\(text)'") == true)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("fd00::/8", "fd00::/8"), ("0.0.0.0/0", "0.0.0.0/0"),
    ("::1", "::1/128"),
  ])
  func goodCIDR(text: String, written: String) throws { #expect(try CIDR(parsing: text).description == written) }
}
