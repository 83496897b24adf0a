import ControlAPI
import Testing

@testable import Intercept

/// Ports of a Service of which two target one port of the Pods: 80 and 8081 to 8080, 9000 to itself.
struct PortMapTests {
  private struct Route: Equatable {
    var local: UInt16?
    var along: Int?
  }

  private func map(_ wanted: [PortMapping], toService: Bool = false) throws(ControlError) -> PortMap {
    func port(_ number: Int, _ name: String, _ target: UInt16) -> PlannedPort {
      PlannedPort(servicePort: number, name: name, podPort: target, localPort: nil, speaksHTTP2: false)
    }
    var map = PortMap(
      service: "shop/quotes", ports: [port(80, "web", 8080), port(8081, "legacy", 8080), port(9000, "admin", 9000)])
    try map.map(wanted, toService: toService)
    return map
  }

  private func routes(_ wanted: [PortMapping], toService: Bool = false) throws -> [Route] {
    try map(wanted, toService: toService).ports.map { Route(local: $0.localPort, along: $0.along) }
  }

  @Test("A port that targets the same port of the Pods comes along, and is reported")
  func along() throws {
    #expect(
      try routes([PortMapping(local: 3000, remote: "web")])
        == [Route(local: 3000), Route(local: 3000, along: 80), Route()])
    #expect(
      try routes([PortMapping(local: 3000, remote: "8081")])
        == [Route(local: 3000, along: 8081), Route(local: 3000), Route()])
    let warnings = try map([PortMapping(local: 3000, remote: "8081")]).warnings
    #expect(warnings.count == 1)
    #expect(
      warnings.first?.hasPrefix("port 80 (web) of Service shop/quotes comes along with port 8081 (legacy)") == true)
  }

  @Test("Nothing comes along where each port is given, or none is shared")
  func given() throws {
    let both = [PortMapping(local: 3000, remote: "web"), PortMapping(local: 3000, remote: "legacy")]
    #expect(try routes(both) == [Route(local: 3000), Route(local: 3000), Route()])
    #expect(try routes([PortMapping(local: 3000, remote: "admin")]) == [Route(), Route(), Route(local: 3000)])
    #expect(try map(both).warnings.isEmpty)
  }

  @Test("Without options each port goes to the container's; of another cluster's Service, to the first's of those")
  func unasked() throws {
    #expect(try routes([]) == [Route(local: 8080), Route(local: 8080), Route(local: 9000)])
    #expect(
      try routes([], toService: true) == [Route(local: 80), Route(local: 80, along: 80), Route(local: 9000)])
  }

  @Test("Two targets for one port of the Pods are refused, with the ports that clash")
  func split() {
    let error = #expect(throws: ControlError.self) {
      try map([PortMapping(local: 3000, remote: "web"), PortMapping(local: 3001, remote: "legacy")])
    }
    #expect(error?.code == .refused)
    #expect(error?.message.contains("80 (web) and 8081 (legacy)") == true)
    #expect(error?.message.contains("8080") == true)
  }

  @Test("A UDP port cannot be taken over", arguments: ["dns", "53"])
  func datagrams(name: String) {
    var map = PortMap(service: "shop/quotes", ports: [], datagrams: [["name": "dns", "port": 53, "protocol": "UDP"]])
    let error = #expect(throws: ControlError.self) {
      try map.map([PortMapping(local: 5353, remote: name)], toService: false)
    }
    #expect(error?.code == .refused)
    #expect(error?.message.contains("53 (dns) of Service shop/quotes is UDP") == true)
  }

  @Test(
    "An option that names no port, none of several, or one twice",
    arguments: [
      ([PortMapping(local: 1, remote: "nope")], .notFound), ([PortMapping(local: 1)], .badInput),
      ([PortMapping(local: 1, remote: "web"), PortMapping(local: 1, remote: "80")], .badInput),
    ] as [([PortMapping], ControlError.Code)])
  func wrong(wanted: [PortMapping], code: ControlError.Code) {
    #expect(throws: ControlError.self) { try map(wanted) }
    do throws(ControlError) { _ = try map(wanted) } catch { #expect(error.code == code) }
  }
}
