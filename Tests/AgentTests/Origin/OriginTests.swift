import Glibc
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

@Suite(.serialized) struct OriginTests {
  @Test func withoutASessionTheOriginAnswers() {
    let scene = AgentScene()
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.isReady)
  }

  @Test("Behind a container that stays, the origin is reached through its own; others do not come past it")
  func gated() {
    let scene = AgentScene(isGated: true)
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.isReady)
    scene.attach()
    let port = scene.agent.configuration.ports[0]
    #expect(scene.ask(ControlMessage(.probeOrigin, port: port))?.flag == StreamStatus.connected.rawValue)
    let stranger = TestClient(loop: scene.loop, fd: connect(from: "127.0.0.9", port: port))
    #expect(scene.loop.turn { stranger.sawReset || stranger.sawEnd })
    #expect(stranger.text == "")
  }

  /// Connects to 127.0.0.1 from another of this machine's addresses.
  private func connect(from source: String, port: UInt16) -> Int32 {
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    func address(_ text: String, _ port: UInt16) -> sockaddr_in {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      inet_pton(AF_INET, text, &address.sin_addr)
      return address
    }
    func with(_ address: sockaddr_in, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) {
      var address = address
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      #expect(result == 0)
    }
    with(address(source, 0)) { bind(fd, $0, $1) }
    with(address("127.0.0.1", port)) { Glibc.connect(fd, $0, $1) }
    _ = fcntl(fd, F_SETFL, O_NONBLOCK)
    return fd
  }

  /// A rollout: the Pods are gone, and cluster DNS lists the new ones only seconds later.
  @Test func clientsWaitForNewPodsOfTheOrigin() {
    let scene = AgentScene()
    let port = scene.origin.port
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 4], [127, 0, 0, 5]]
    scene.loop.turn { scene.agent.origin.addresses.first?.byteArray == [127, 0, 0, 4] }
    let client = scene.client()
    scene.wait(milliseconds: 700)
    #expect(client.text == "" && !client.sawReset && !client.sawEnd)
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 4], [127, 0, 0, 2]]
    #expect(scene.loop.turn { client.text == "origin" })
    // A Pod that does not answer is not asked first any more.
    let begin = scene.loop.now
    for _ in 0..<4 {
      let next = scene.client()
      #expect(scene.loop.turn { next.text == "origin" })
    }
    #expect(scene.loop.now - begin < 1_000_000 && scene.origin.port == port)
  }

  @Test func clientsDoNotWaitForEver() {
    let scene = AgentScene(originLimit: 600_000)
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 4]]
    scene.loop.turn { scene.agent.origin.addresses.first?.byteArray == [127, 0, 0, 4] }
    let client = scene.client()
    let begin = scene.loop.now
    #expect(scene.loop.turn { client.sawReset || client.sawEnd })
    #expect(scene.loop.now - begin >= 500_000)
  }

  @Test func probesTheOriginWithoutTheAgents() {
    let scene = AgentScene()
    scene.attach()
    let answer = scene.ask(ControlMessage(.probeOrigin, port: scene.origin.port))
    #expect(answer?.flag == StreamStatus.connected.rawValue && answer?.first == 1)
    let refused = scene.ask(ControlMessage(.probeOrigin, port: freePort()))
    #expect(refused?.flag == StreamStatus.refused.rawValue)
  }

  @Test func theOriginIsReachedAfterItsServicesAreGone() {
    let scene = AgentScene()
    scene.nameserver.table = [:]
    #expect(scene.loop.turn { scene.agent.origin.agentsAreGone })
    let before = scene.client()
    #expect(scene.loop.turn { before.text == "origin" })
    scene.agent.terminate()
    let after = scene.client()
    #expect(scene.loop.turn { after.text == "origin" })
    // No client connects any more, and no Service has it as an endpoint.
    #expect(scene.loop.turn { !scene.agent.isLingering })
  }
}
