import Testing

@testable import Outbound

@Suite struct AddressMapTests {
  private func cidr(_ text: String) throws -> CIDR { try CIDR(parsing: text) }
  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(parsing: text)) }

  @Test func whatIsBehindThePrefixStays() throws {
    let entry = try #require(AddressMap.Entry(real: cidr("10.96.0.0/12"), alias: cidr("100.64.0.0/12")))
    let map = AddressMap([entry])
    #expect(map.alias(of: try address("10.101.2.3")).description == "100.69.2.3")
    #expect(map.real(of: try address("100.69.2.3")).description == "10.101.2.3")
    #expect(map.alias(of: try address("10.112.0.1")).description == "10.112.0.1", "outside of the range")
    #expect(map.real(of: try address("::1")).description == "::1")
  }

  @Test func bothHaveOneLength() throws {
    #expect(AddressMap.Entry(real: try cidr("10.96.0.0/12"), alias: try cidr("100.64.0.0/16")) == nil)
    #expect(AddressMap.Entry(real: try cidr("fd00::/112"), alias: try cidr("fd01::/112")) == nil)
  }

  @Test(
    arguments: [
      (16, [], "198.19.0.0/16"), (16, ["198.19.5.0/24"], "100.64.0.0/16"), (12, [], "100.64.0.0/12"),
      (24, ["198.19.0.0/24", "198.19.1.0/25"], "198.19.2.0/24"),
      (16, ["198.18.0.0/15", "100.64.0.0/10"], "172.16.0.0/16"),
      (16, ["198.18.0.0/15", "100.64.0.0/10", "172.16.0.0/15"], "172.18.0.0/16"),
      (24, ["0.0.0.0/1", "128.0.0.0/1"], nil), (8, ["10.0.0.0/24"], nil),
    ] as [(Int, [String], String?)])
  func theFirstFreeRange(length: Int, taken: [String], found: String?) throws {
    #expect(FreeRange.find(length: length, taken: try taken.map(cidr))?.description == found)
  }
}
