import Outbound
import Testing

@testable import Shell

@Suite struct HostRoutesTests {
  private let routes = HostRoutes(
    parsing: """
      Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
      eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
      cni0\t0000F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
      eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
      """)

  @Test func readsThemAsTheKernelWritesThem() {
    #expect(
      routes.routes.map { "\($0.range) \($0.device)" } == [
        "0.0.0.0/0 eth0", "10.244.0.0/24 cni0", "192.168.1.0/24 eth0",
      ])
  }

  @Test(arguments: [
    ("10.244.0.0/16", 1), ("10.244.0.128/25", 1), ("10.96.0.0/12", 0), ("192.168.0.0/16", 1), ("10.0.0.0/8", 1),
  ])
  func findsWhatIsInUse(text: String, count: Int) throws {
    #expect(routes.overlaps(try CIDR(parsing: text)).count == count, "the default route is in nobody's way")
  }

  @Test func whatThisMachineUsesAndItsRouter() {
    #expect(
      routes.taken.map { "\($0.range) \($0.owner)" } == [
        "10.244.0.0/24 cni0", "192.168.1.0/24 eth0", "192.168.1.1/32 the router of this machine",
      ])
  }

  @Test func nonsenseIsNoRoute() { #expect(HostRoutes(parsing: "a\nb c d\n").routes.isEmpty) }
}
