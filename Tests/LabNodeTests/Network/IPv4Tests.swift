import Testing

@testable import LabNode

struct IPv4Tests {
  @Test func addresses() {
    #expect(IPv4Address("10.97.0.1")?.number == 0x0A61_0001)
    #expect(IPv4Address("10.97.0.1")?.description == "10.97.0.1")
    for text in ["10.97.0", "10.97.0.256", "10.97.0.1.2", "a.b.c.d", "", "10.97.0.-1", "10..0.1"] {
      #expect(IPv4Address(text) == nil, "\(text)")
    }
  }

  @Test func networks() throws {
    let network = try IPv4Network("10.97.3.1/16")
    #expect(network.cidr == "10.97.0.0/16" && network.description == "10.97.3.1/16")
    #expect(network.contains(IPv4Address("10.97.255.255")!) && !network.contains(IPv4Address("10.98.0.0")!))
    #expect(throws: LabNodeError.self) { try IPv4Network("10.97.0.0") }
    #expect(throws: LabNodeError.self) { try IPv4Network("10.97.0.0/33") }
  }

  @Test func poolRestsAddressesThatCameBack() throws {
    var pool = AddressPool(try IPv4Network("10.0.0.1/29"), reserved: [IPv4Address("10.0.0.1")!])
    let first = try pool.take()
    #expect(first.description == "10.0.0.2")
    pool.giveBack(first)
    #expect(try pool.take().description == "10.0.0.3")
    for _ in 0..<4 { _ = try pool.take() }
    #expect(throws: LabNodeError.self) { try pool.take() }
    pool.giveBack(first)
    #expect(try pool.take() == first)
  }
}
