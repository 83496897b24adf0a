import Testing

@testable import TunnelProtocol

@Suite struct PreambleTests {
  /// Of 4 or 16 bytes the other side would make an address.
  @Test(
    arguments: [
      ("a.io", "a.io."), ("a.io.", "a.io."), ("ab.cluster.local", "ab.cluster.local."), ("a.b.", "a.b"),
      ("abc.cluster.local", "abc.cluster.local"), ("x", "x"),
    ])
  func aNameIsNoAddress(name: String, carried: String) {
    #expect(Preamble(.tcp, port: 80, name: Array(name.utf8))?.address == Array(carried.utf8))
  }

  @Test func aNameThatIsNoneHasNoPreamble() {
    for count in [0, 254, 255, 256, 260, 1000] {
      #expect(Preamble(.tcp, port: 80, name: [UInt8](repeating: 0x61, count: count)) == nil)
    }
    #expect(Preamble(.tcp, port: 80, name: [0x2e]) == nil)
    #expect(Preamble(.tcp, port: 80, name: [UInt8](repeating: 0x61, count: 253))?.size == 257)
  }
}
