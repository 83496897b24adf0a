import ControlAPI
import Outbound
import Testing

@testable import Shell

/// A cluster names its ranges itself: a hostile one must get no more of a machine's traffic than a cluster has.
@Suite struct LedRangesTests {
  private func cidrs(_ texts: [String]) throws -> [CIDR] { try texts.map { try CIDR(parsing: $0) } }

  @Test func privateRangesAreLed() throws {
    let own = [
      "10.96.0.0/12", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15",
      "10.244.3.0/24",
    ]
    let allowed = try LedRanges(cluster: cidrs(own), asked: [])
    #expect(allowed.ranges.map(\.description) == own && allowed.notes.isEmpty)
  }

  @Test(
    arguments: [
      ("0.0.0.0/1", "this host"), ("0.0.0.0/0", "this host"), ("128.0.0.0/1", "the local link"),
      ("64.0.0.0/2", "the loopback"), ("192.0.0.0/2", "multicast"),
      ("127.0.0.0/8", "the loopback"), ("127.0.0.53/32", "the loopback"), ("169.254.169.254/32", "the local link"),
      ("224.0.0.0/24", "multicast"),
      ("240.0.0.0/4", "broadcast"), ("255.255.255.255/32", "broadcast"), ("32.0.0.0/4", "larger than a /8"),
      ("fd00::/8", "IPv6"),
    ])
  func whatIsNoClusters(text: String, reason: String) throws {
    let range = try CIDR(parsing: text)
    let allowed = try LedRanges(cluster: [range], asked: [])
    #expect(allowed.ranges.isEmpty)
    #expect(
      allowed.notes.count == 1 && allowed.notes[0].contains(text) && allowed.notes[0].contains(reason),
      "\(allowed.notes)")
    let error = #expect(throws: ControlError.self) { try LedRanges(cluster: [], asked: [range]) }
    #expect(
      error?.code == .badInput && error?.message.contains("--via-cluster \(text)") == true
        && error?.message.contains(reason) == true, "\(error as Any)")
  }

  @Test(arguments: [
    "8.8.8.0/24", "203.0.113.0/24", "11.0.0.0/8", "9.0.0.0/8", "172.32.0.0/16", "100.128.0.0/16", "192.0.0.0/8",
    "241.0.0.0/8",
  ])
  func publicRangesAreLedWhenAskedFor(text: String) throws {
    let range = try CIDR(parsing: text)
    let allowed = try LedRanges(cluster: cidrs(["10.96.0.0/12", text]), asked: [])
    #expect(allowed.ranges.map(\.description) == ["10.96.0.0/12"])
    #expect(allowed.notes.count == 1 && allowed.notes[0].contains("--via-cluster \(text)"))
    let asked = try LedRanges(cluster: cidrs(["10.96.0.0/12", text]), asked: [range])
    #expect(asked.ranges.map(\.description) == ["10.96.0.0/12", text] && asked.notes.isEmpty)
  }

  @Test func whatIsAskedForHoldsForItsParts() throws {
    let allowed = try LedRanges(
      cluster: cidrs(["203.0.113.64/26", "198.51.100.0/24"]), asked: cidrs(["203.0.113.0/24"]))
    #expect(allowed.ranges.map(\.description) == ["203.0.113.64/26", "203.0.113.0/24"])
    #expect(allowed.notes.count == 1 && allowed.notes[0].contains("198.51.100.0/24"))
  }

  @Test("A flood of ranges is cut off, and costs no time", .timeLimit(.minutes(1)))
  func flood() throws {
    let many = try (0..<300_000).map { try CIDR(parsing: "10.\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255)/32") }
    let own = try CIDR(parsing: "100.64.0.0/10")
    let allowed = try LedRanges(cluster: many, asked: [own])
    #expect(allowed.ranges.count == 8_193 && allowed.ranges.last == own)
    #expect(allowed.notes == ["the cluster names 300000 ranges: those after the first 8192 are left out"])
  }

  /// The API server's address, and the router's, are in use here: a range that holds one appears under other addresses.
  @Test func theWayToTheServerIsNeverLed() throws {
    let taken = [HostRanges.Taken(try CIDR(parsing: "10.0.0.5/32"), owner: "the way to the API server")]
    let ranges = try HostRanges(LedRanges(cluster: cidrs(["10.0.0.0/16", "8.8.8.0/24"]), asked: []), taken: taken)
    let server = try #require(IPAddress(parsing: "10.0.0.5"))
    #expect(
      !ranges.led.contains { $0.contains(server) }
        && ranges.aliases.entries.map(\.description) == ["10.0.0.0/16 as 198.19.0.0/16"])
    #expect(
      ranges.notes.contains { $0.contains("8.8.8.0/24") }
        && ranges.notes.contains { $0.contains("the way to the API server") })
  }
}
