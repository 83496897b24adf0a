import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// Connections to a listener on 127.0.0.1, which for these tests is the cluster's: the listener's own address is the
/// destination.
@Suite struct TransparentListenerTests {
  static func viaCluster() -> RouteRules { RouteRules(viaCluster: [try! CIDR(parsing: "127.0.0.1")]) }

  private func listen(_ harness: Harness) -> UInt16 {
    let (fd, port) = listening()
    harness.outbound.attach(tcp: fd, mode: .localName)
    return port
  }

  @Test func aConnectionToTheClusterBecomesAStream() {
    let harness = Harness(rules: Self.viaCluster())
    let echo = EchoServer(loop: harness.loop)
    harness.agent.tcpTarget = { _ in echo.port }
    let port = listen(harness)
    let client = TestClient(loop: harness.loop, port: port)
    let question = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    client.send(question)
    client.finish()
    #expect(harness.loop.turn { client.sawEnd })
    #expect(client.received == question)
    #expect(harness.agent.preambles == [Preamble(.tcp, port: port, address: [127, 0, 0, 1])])
    #expect(harness.outbound.figures.tcp.viaCluster == 1)
    #expect(harness.loop.turn { harness.outbound.figures.tcp.open == 0 })
    client.close()
    echo.close()
  }

  @Test func aConnectionElsewhereLeavesFromTheHost() {
    let harness = Harness(rules: RouteRules(viaHost: [try! CIDR(parsing: "127.0.0.2")]))
    let echo = EchoServer(loop: harness.loop)
    let dialer = Dialer(loop: harness.loop, sessions: { $0(nil) }, routes: RouteTable(), counters: OutboundCounters())
    let (fd, port) = listening()
    let client = TestClient(loop: harness.loop, port: port)
    var accepted: Int32 = -1
    var peer = clinux_address()
    harness.loop.turn {
      accepted = clinux_accept(fd, &peer)
      return accepted >= 0
    }
    dialer.connect(
      accepted, to: .address(IPEndpoint(RouteRules.defaultHostAddress, port: echo.port)), backlog: Array("first, ".utf8)
    )
    client.send("then")
    client.finish()
    #expect(harness.loop.turn { client.sawEnd })
    #expect(client.text == "first, then")
    #expect(dialer.counters.tcp.viaHostLoopback == 1)
    #expect(dialer.liveCount == 0)
    client.close()
    clinux_close(fd)
    echo.close()
  }

  @Test(arguments: [StreamStatus.refused, .timedOut, .unreachable])
  func aRefusalIsAResetWithItsReasonKept(status: StreamStatus) {
    let harness = Harness(rules: Self.viaCluster())
    harness.agent.tcpTarget = { _ in nil }
    harness.agent.refusal = status
    let port = listen(harness)
    let client = TestClient(loop: harness.loop, port: port)
    client.send("anybody?")
    #expect(harness.loop.turn { client.sawReset })
    let figures = harness.outbound.figures
    #expect(figures.tcp.refused == 1)
    #expect(figures.lastProblem == "127.0.0.1:\(port): the cluster side answered: \(status)")
    #expect(harness.loop.turn { harness.outbound.figures.tcp.open == 0 })
    client.close()
  }

  @Test func aRefusalOfTheHostIsAReset() {
    let harness = Harness(rules: RouteRules(viaHost: [try! CIDR(parsing: "127.0.0.1")]))
    let dialer = Dialer(loop: harness.loop, sessions: { $0(nil) }, routes: RouteTable(), counters: OutboundCounters())
    var both: [Int32] = [0, 0]
    clinux_socketpair(&both)
    dialer.connect(both[0], to: .address(IPEndpoint(.loopback, port: freePort())))
    let client = TestClient(loop: harness.loop, fd: both[1])
    #expect(harness.loop.turn { client.sawEnd || client.sawReset })
    #expect(dialer.counters.tcp.refused == 1)
    #expect(dialer.counters.lastProblem?.contains("refused") == true)
    client.close()
  }

  @Test func withoutATunnelAConnectionWaitsAndIsThenReset() {
    let harness = Harness(rules: Self.viaCluster())
    let echo = EchoServer(loop: harness.loop)
    harness.agent.tcpTarget = { _ in echo.port }
    harness.disconnect()
    let port = listen(harness)
    let lucky = TestClient(loop: harness.loop, port: port)
    lucky.send("hello")
    #expect(harness.loop.turn { harness.outbound.figures.tcp.open == 1 })
    harness.connect()
    #expect(harness.loop.turn { lucky.text == "hello" })
    harness.disconnect()
    #expect(harness.loop.turn { lucky.sawReset })
    let unlucky = TestClient(loop: harness.loop, port: port)
    #expect(harness.loop.turn { harness.outbound.figures.tcp.open == 1 })
    harness.giveUpWaiting()
    #expect(harness.loop.turn { unlucky.sawReset })
    #expect(harness.outbound.figures.lastProblem?.contains("no tunnel") == true)
    for client in [lucky, unlucky] { client.close() }
    echo.close()
  }

  @Test func closingResetsWhatIsOpenInEveryState() {
    let harness = Harness(rules: Self.viaCluster())
    let echo = EchoServer(loop: harness.loop)
    harness.agent.tcpTarget = { _ in echo.port }
    let port = listen(harness)
    let flowing = TestClient(loop: harness.loop, port: port)
    flowing.send("hello")
    #expect(harness.loop.turn { flowing.text == "hello" })
    harness.disconnect()
    let waiting = TestClient(loop: harness.loop, port: port)
    #expect(harness.loop.turn { flowing.sawReset && harness.outbound.figures.tcp.open == 1 })
    harness.outbound.close()
    #expect(harness.loop.turn { waiting.sawReset })
    let late = TestClient(loop: harness.loop, port: port)
    #expect(harness.loop.turn { late.sawReset }, "nobody listens any longer")
    for client in [flowing, waiting, late] { client.close() }
    echo.close()
  }

  @Test func aThousandConnectionsAtOnce() {
    let harness = Harness(rules: Self.viaCluster())
    let server = TestServer(loop: harness.loop)
    harness.agent.tcpTarget = { _ in server.port }
    let port = listen(harness)
    let clients = (0..<1_000).map { _ in TestClient(loop: harness.loop, port: port) }
    for client in clients { client.send("x") }
    #expect(
      harness.loop.turn(seconds: 30) {
        server.connections.count == 1_000 && server.connections.allSatisfy { $0.text == "x" }
      })
    #expect(harness.outbound.figures.tcp.open == 1_000)
    for connection in server.connections {
      connection.send("y")
      connection.finish()
    }
    #expect(harness.loop.turn(seconds: 30) { clients.allSatisfy { $0.sawEnd && $0.text == "y" } })
    for client in clients + server.connections { client.close() }
    #expect(harness.loop.turn { harness.outbound.figures.tcp.open == 0 })
    server.close()
  }
}
