import CLinux
import Testing

@testable import Agent

@Suite struct ResolvConfTests {
  @Test func readsAllServers() {
    let text = """
      search ns.svc.cluster.local svc.cluster.local
      nameserver 10.96.0.10
      # nameserver 1.1.1.1
      nameserver\t fd00::a \r
      nameservers 9.9.9.9
      nameserver example
      nameserver
      options ndots:5
      nameserver 8.8.8.8
      """
    let found = ResolvConf(Array(text.utf8)).nameservers
    #expect(
      found.map(\.byteArray) == [[10, 96, 0, 10], [0xfd] + [UInt8](repeating: 0, count: 14) + [10], [8, 8, 8, 8]])
    #expect(found.allSatisfy { $0.port == 53 })
    #expect(ResolvConf(Array("nameserver".utf8)).nameservers.isEmpty)
  }

  @Test(arguments: [
    (
      "nameserver 10.96.0.10\nsearch ns.svc.corp.example svc.corp.example corp.example\noptions ndots:5\n",
      "corp.example"
    ),
    ("search ns.svc.cluster.local\tsvc.cluster.local cluster.local example.com", "cluster.local"),
    ("search example.com svc.\n", "cluster.local"),
    ("searchsvc.a\n", "cluster.local"), ("", "cluster.local"),
  ])
  func knowsTheClustersDomain(text: String, domain: String) {
    let found = ResolvConf(Array(text.utf8)).clusterDomain
    #expect(String(decoding: found, as: UTF8.self) == domain)
    var configuration = AgentConfiguration()
    configuration.originName = Array("o.ns.svc".utf8)
    configuration.agentsName = Array("a.ns.svc.other".utf8)
    configuration.complete(domain: found)
    #expect(String(decoding: configuration.originName, as: UTF8.self) == "o.ns.svc." + domain)
    #expect(String(decoding: configuration.agentsName, as: UTF8.self) == "a.ns.svc.other")
  }
}
