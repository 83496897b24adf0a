import Testing

@testable import Agents

struct AgentNamesTests {
  @Test("A short workload's names can be read")
  func short() {
    #expect(AgentNames.base("user") == "devtunnel-user")
    // A Service's name has no dot (RFC 1035).
    #expect(AgentNames.base("etcd.node-1").hasPrefix("devtunnel-etcd-node-1-"))
    #expect(AgentNames.base("etcd.node-1") != AgentNames.base("etcd-node-1"))
    #expect(AgentNames.originService("user") == "devtunnel-user-origin")
    #expect(AgentNames.agentsService("user") == "devtunnel-user-agents")
    #expect(AgentNames.label("user") == "user")
  }

  /// A Service's name is a DNS label (RFC 1035), and so is a Deployment's, whose Pods get two hashes more.
  @Test("Every name fits 63 characters", arguments: 1...253)
  func length(count: Int) {
    let workload = String(repeating: "w", count: count)
    for name in [
      AgentNames.base(workload), AgentNames.originService(workload), AgentNames.agentsService(workload),
      AgentNames.label(workload),
    ] {
      #expect(name.utf8.count <= 63)
      #expect(name.last != "-")
    }
  }

  @Test("Long names that begin alike stay apart")
  func apart() {
    let begin = String(repeating: "w", count: 100)
    #expect(AgentNames.base(begin + "a") != AgentNames.base(begin + "b"))
    #expect(AgentNames.label(begin + "a") != AgentNames.label(begin + "b"))
  }

  @Test("The check sum is FNV-1a, always eight digits")
  func checksum() {
    #expect(AgentNames.checksum("") == "811c9dc5")
    #expect(AgentNames.checksum("a") == "e40c292c")
    #expect(AgentNames.checksum("foobar") == "bf9cf968")
    #expect((0..<500).allSatisfy { AgentNames.checksum("\($0)").count == 8 })
  }
}
