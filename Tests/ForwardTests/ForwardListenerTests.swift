import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Agents
@testable import Forward

struct ForwardListenerTests {
  /// Without a session yet: they wait for one, and have their descriptors.
  @Test("More connections than a tunnel may have are reset at once, with the reason; none waits without end")
  func tooMany() {
    let loop = EventLoop()!
    loop.connections.limit = 40
    loop.tunnelLimit = 10
    let endpoint = LinkEndpoint(loop: loop)
    let (fd, port) = listening()
    let listener = ForwardListener(
      loop: loop, fd: fd, endpoint: endpoint, target: Preamble(.tcp, port: 80, address: [10, 0, 0, 1]),
      place: TapPlace(way: .forward, context: "test", namespace: "shop"), onRefusal: { _ in })
    listener.start()
    let clients = (0..<25).map { _ in TestClient(loop: loop, port: port) }
    #expect(loop.turn { clients.count { $0.sawReset } == 15 })
    #expect(listener.connections == 25 && listener.refused == 15)
    #expect(listener.lastProblem?.contains("10 connections of this tunnel are open") == true)
    endpoint.refuseWaiting()
    #expect(loop.turn { clients.allSatisfy { $0.sawReset } })
    #expect(endpoint.connections.open == 0, "what was refused gives its room back")
    listener.close()
    for client in clients { client.close() }
  }
}
