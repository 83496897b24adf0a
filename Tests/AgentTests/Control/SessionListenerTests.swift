import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

@Suite(.serialized) struct SessionListenerTests {
  @Test func aWrongTokenIsRefused() {
    let scene = AgentScene()
    scene.attach(token: [UInt8](repeating: 8, count: 32))
    #expect(scene.events == [.refused(.wrongToken, version: Hello.version)])
  }

  @Test func garbageOnTheControlPortChangesNothing() {
    let scene = AgentScene()
    for text in ["GET / HTTP/1.1\r\n\r\n", "D", String(repeating: "x", count: 100_000)] {
      var address = loopback(scene.agent.boundControlPort)
      let client = TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address))
      client.send(text)
      if text.count > 1 { #expect(scene.loop.turn { client.sawEnd || client.sawReset }) }
      client.close()
    }
    scene.attach()
    #expect(scene.session?.isOpen == true)
  }

  @Test func silentConnectionsToTheControlPortAreInNobodysWay() {
    let scene = AgentScene()
    var address = loopback(scene.agent.boundControlPort)
    var silent: [TestClient] = []
    let most = SessionListener.maximumGreeters
    for count in 1...(most + 40) {
      silent.append(TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address)))
      guard count > most else { continue }
      // The oldest goes for each that comes.
      #expect(scene.loop.turn { silent.prefix(count - most).allSatisfy { $0.sawEnd || $0.sawReset } })
    }
    #expect(scene.isReady)
    scene.attach()
    #expect(scene.session?.isOpen == true)
    #expect(scene.isReady)
    for client in silent { client.close() }
    scene.wait(milliseconds: 20)
  }

  /// A process in the Pod, or whoever may port-forward, opens connections without end.
  @Test func aClientThatHasBegunAHelloOutlivesSilentOnes() {
    let scene = AgentScene()
    var address = loopback(scene.agent.boundControlPort)
    let hello = Hello(holder: 1, token: scene.token)
    var bytes = [UInt8](repeating: 0, count: Hello.size)
    bytes.withUnsafeMutableBytes { hello.write(to: $0.baseAddress!) }
    let slow = TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address))
    slow.send(Array(bytes.prefix(40)))
    scene.wait(milliseconds: 20)
    var silent: [TestClient] = []
    for _ in 0..<(SessionListener.maximumGreeters * 2) {
      silent.append(TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address)))
      scene.loop.turn(maximumWait: 1)
    }
    #expect(scene.loop.turn { silent.prefix(SessionListener.maximumGreeters).allSatisfy { $0.sawEnd || $0.sawReset } })
    #expect(!slow.sawEnd && !slow.sawReset)
    slow.send(Array(bytes.suffix(8)))
    #expect(scene.loop.turn { slow.received.count >= HelloReply.size && scene.agent.session != nil })
    for client in silent + [slow] { client.close() }
    scene.wait(milliseconds: 20)
  }

  @Test func anAgentOfOneInstallationTakesNoOther() {
    let scene = AgentScene(neverReady: true)
    scene.attach(holder: 1)
    #expect(scene.events == [.refused(.crowded, version: Hello.version)])
    scene.attach(holder: 0)
    #expect(scene.session?.isOpen == true)
  }
}
