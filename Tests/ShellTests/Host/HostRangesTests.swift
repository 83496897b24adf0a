import ControlAPI
import Outbound
import Testing

@testable import Shell

@Suite struct HostRangesTests {
  private func cidr(_ text: String) throws -> CIDR { try CIDR(parsing: text) }

  @Test func whatNobodyUsesStaysAsItIs() throws {
    let ranges = try HostRanges(
      [cidr("10.96.0.0/16"), cidr("10.244.0.0/24")], taken: [.init(cidr("10.245.0.0/24"), owner: "cni0")])
    #expect(
      ranges.led.map(\.description) == ["10.244.0.0/24", "10.96.0.0/16"] && ranges.aliases.isEmpty
        && ranges.notes.isEmpty)
  }

  @Test func whatIsInUseHasOtherAddresses() throws {
    let taken = [
      HostRanges.Taken(try cidr("10.96.0.0/16"), owner: "context local"),
      .init(try cidr("10.244.0.0/16"), owner: "cni0"),
    ]
    let ranges = try HostRanges([cidr("10.96.0.0/16"), cidr("10.244.1.0/24")], taken: taken)
    #expect(
      ranges.aliases.entries.map(\.description) == ["10.244.1.0/24 as 198.19.0.0/24", "10.96.0.0/16 as 100.64.0.0/16"])
    #expect(ranges.led == ranges.aliases.entries.map(\.alias))
    #expect(
      ranges.notes.contains {
        $0.contains("10.96.0.0/16") && $0.contains("context local") && $0.contains("100.64.0.0/16")
      })
  }

  @Test func withoutAFreeRangeItSaysWhichIsInTheWay() throws {
    let taken = [HostRanges.Taken(try cidr("10.0.0.0/8"), owner: "tun0")]
    let error = #expect(throws: ControlError.self) {
      try HostRanges([cidr("10.96.0.0/12")], taken: taken, places: [cidr("198.19.0.0/16")])
    }
    #expect(error?.message.contains("10.96.0.0/12 is in use on this machine (10.0.0.0/8, tun0)") == true)
  }
}
