import KubeObjects
import Testing

@testable import Shell

struct HostAliasesTests {
  private func aliases(_ entries: [JSONValue]) -> HostAliases {
    HostAliases(template: ["spec": ["hostAliases": .array(entries)]])
  }

  @Test func namesFollowTheMachinesOwn() {
    let aliases = aliases([
      ["ip": "10.50.1.10", "hostnames": ["ledger.legacy.example", "ledger"]],
      ["ip": "127.0.0.1", "hostnames": ["cache.local.example"]], ["ip": "fd00::1", "hostnames": ["six_1"]],
      ["ip": "10.0.0.1", "hostnames": []],
    ])
    #expect(aliases.warnings.isEmpty)
    #expect(
      aliases.text(after: "127.0.0.1 localhost")
        == """
        127.0.0.1 localhost
        # hostAliases of the workload
        10.50.1.10 ledger.legacy.example ledger
        127.0.0.1 cache.local.example
        fd00::1 six_1

        """)
    #expect(HostAliases(template: [:]).lines.isEmpty)
  }

  @Test(
    arguments: [
      ["ip": "10.0.0.1\n1.2.3.4 github.com", "hostnames": ["a"]], ["ip": 7, "hostnames": ["a"]], ["hostnames": ["a"]],
      ["ip": "10.0.0.1", "hostnames": ["a\n1.2.3.4 github.com"]], ["ip": "10.0.0.1", "hostnames": ["a b", "", "#"]],
      ["ip": "10.0.0.1", "hostnames": [.string(String(repeating: "x", count: 254))]],
    ] as [JSONValue])
  func anEntryThatWouldBeAnotherLineIsLeftOut(entry: JSONValue) {
    let aliases = aliases([entry, ["ip": "10.0.0.2", "hostnames": ["kept"]]])
    #expect(aliases.lines == ["10.0.0.2 kept"] && aliases.warnings.count == 1)
    #expect(aliases.warnings.first?.hasPrefix("hostAliases[0] of the workload") == true)
  }

  @Test func theFileHasABound() {
    let many = JSONValue.array((0..<5000).map { .string("n\($0)") })
    let aliases = aliases([["ip": "10.0.0.1", "hostnames": ["kept"]], ["ip": "10.0.0.2", "hostnames": many]])
    #expect(aliases.lines == ["10.0.0.1 kept"] && aliases.warnings.count == 1)
  }
}
