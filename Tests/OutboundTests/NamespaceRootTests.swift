import CLinux
import Glibc
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// The whole of it with sockets of a namespace, where any address is taken, and clients inside.
@Suite(.enabled(if: ShellNamespace.isPossible, "needs root, ip, nft and nsenter")) struct NamespaceRootTests {
  private static func address(_ text: String, _ port: UInt16) -> clinux_address {
    IPAddress(parsing: text)!.socketAddress(port: port)
  }
  private let harness = Harness()
  private let shell: ShellNamespace

  init() throws { shell = try ShellNamespace() }

  private func listen(_ port: UInt16) -> Int32 {
    shell.inside {
      var any = Self.address("0.0.0.0", port)
      return clinux_tcp_listen(&any, 128)
    }
  }

  private func bindUDP(_ text: String, _ port: UInt16) -> Int32 {
    shell.inside {
      var address = Self.address(text, port)
      return clinux_udp_bind(&address)
    }
  }

  /// As the shell's table does it: traffic to the cluster is redirected to one transparent port.
  private func lead(_ proto: String, to port: UInt16, _ fd: Int32) throws {
    var on: Int32 = 1
    try #require(setsockopt(fd, Int32(IPPROTO_IP), IP_TRANSPARENT, &on, 4) == 0)
    try shell.run(
      "nft",
      "add table inet t; add chain inet t p { type filter hook prerouting priority -150; }; "
        + "add rule inet t p ip daddr 10.96.0.0/16 meta l4proto \(proto) tproxy ip to :\(port) accept")
  }

  private func connect(_ text: String, _ port: UInt16) -> TestClient {
    TestClient(
      loop: harness.loop,
      fd: shell.inside {
        var address = Self.address(text, port)
        return clinux_tcp_connect(&address)
      })
  }

  @Test func anAddressOfTheClusterIsReached() throws {
    let echo = EchoServer(loop: harness.loop)
    harness.agent.tcpTarget = { _ in echo.port }
    let fd = listen(15_000)
    try lead("tcp", to: 15_000, fd)
    harness.outbound.attach(tcp: fd, mode: .localName)
    let client = connect("10.96.0.7", 8080)
    client.send("hello")
    #expect(harness.loop.turn { client.text == "hello" })
    #expect(harness.agent.preambles == [Preamble(.tcp, port: 8080, address: [10, 96, 0, 7])])
    client.close()
    echo.close()
  }

  @Test func theHostIsReachedAtItsAddress() {
    let echo = EchoServer(loop: harness.loop)
    harness.outbound.attach(tcp: listen(echo.port), mode: .localName)
    for target in ["198.18.0.1", "127.0.0.1"] {
      let client = connect(target, echo.port)
      client.send("hello")
      client.finish()
      #expect(harness.loop.turn { client.sawEnd && client.text == "hello" })
      client.close()
    }
    #expect(harness.outbound.figures.tcp.viaHostLoopback == 2)
    echo.close()
  }

  @Test func aRedirectedConnectionKeepsItsDestination() throws {
    let echo = EchoServer(loop: harness.loop)
    harness.agent.tcpTarget = { _ in echo.port }
    try shell.run(
      "nft",
      "add table inet t; add chain inet t o { type nat hook output priority -100; }; "
        + "add rule inet t o ip daddr 10.96.0.0/16 tcp dport 443 redirect to :15001")
    harness.outbound.attach(tcp: listen(15_001), mode: .originalDestination)
    let client = connect("10.96.3.4", 443)
    client.send("hello")
    #expect(harness.loop.turn { client.text == "hello" })
    #expect(harness.agent.preambles == [Preamble(.tcp, port: 443, address: [10, 96, 3, 4])])
    client.close()
    let direct = connect("10.255.0.2", 15_001)
    #expect(harness.loop.turn { direct.sawReset }, "it would lead to itself")
    #expect(harness.outbound.figures.lastProblem != nil && harness.agent.preambles.count == 1)
    direct.close()
    echo.close()
  }

  @Test func datagramsAreAnsweredFromTheAddressThatWasAskedAndRefusalsAreHeard() throws {
    let raw = shell.inside { clinux_raw_ip() }
    try #require(raw >= 0)
    let transparent = bindUDP("0.0.0.0", 15_000)
    try lead("udp", to: 15_000, transparent)
    harness.outbound.attach(udp: transparent, icmp: raw) { [shell] address, done in
      done(
        shell.inside {
          var address = address
          return clinux_udp_bind(&address)
        })
    }
    let fd = shell.inside {
      var address = Self.address("10.96.0.7", 5300)
      return clinux_udp_connect(&address)
    }
    let client = UDPClient(loop: harness.loop, fd: fd)
    for round in 1...3 {
      client.send([UInt8(round)])
      #expect(harness.loop.turn { client.received.count == round })
    }
    #expect(client.received == [[1], [2], [3]])
    #expect(harness.agent.preambles == [Preamble(.udp, port: 5300, address: [10, 96, 0, 7])], "one flow")
    harness.agent.datagramEnds[0].reset()
    #expect(harness.loop.turn { client.errors == [clinux_ECONNREFUSED] })
    #expect(harness.outbound.figures.udp.refused == 1)
    client.close()
  }

  @Test func closingLeavesNoSocketInside() {
    harness.outbound.attach(tcp: listen(8080), mode: .localName)
    harness.outbound.attach(udp: bindUDP("0.0.0.0", 5300), icmp: -1) { $1(nil) }
    harness.outbound.attach(dnsUDP: bindUDP("10.96.0.10", 53), dnsTCP: listen(53))
    harness.outbound.listenProxy(fd: listen(1080), access: .thisMachine)
    harness.outbound.close()
    for port in [8080, 53, 1080] as [UInt16] {
      let client = connect("10.96.0.10", port)
      #expect(harness.loop.turn { client.sawReset })
      client.close()
    }
    // And what is attached later is closed at once.
    harness.outbound.attach(tcp: listen(8081), mode: .localName)
    let late = connect("10.96.0.10", 8081)
    #expect(harness.loop.turn { late.sawReset })
    late.close()
  }
}
