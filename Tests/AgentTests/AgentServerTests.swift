import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

@Suite(.serialized) struct AgentServerTests {
  @Test func dialsIntoTheCluster() {
    let scene = AgentScene()
    scene.attach()
    let (listener, port) = listening()
    let client = TestClient(loop: scene.loop, port: port)
    var peer = clinux_address()
    var accepted: Int32 = -1
    scene.loop.turn {
      accepted = clinux_accept(listener, &peer)
      return accepted >= 0
    }
    clinux_close(listener)
    let session = scene.session!
    _ = session.open {
      OpenerEnd(
        session: session, slot: $0, fd: accepted,
        preamble: Preamble(.tcp, port: scene.origin.port, address: Array("origin.ns".utf8)))
    }
    #expect(scene.loop.turn { client.text == "origin" })
  }

  @Test func afterSIGTERMItGoesOnToTheOriginAndThenEnds() {
    let scene = AgentScene()
    scene.attach()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.agent.terminate()
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.told.contains { $0.kind == .terminating })
  }

  @Test func theOnlyAgentGoesOnAcceptingAfterSIGTERMUntilAnotherStands() {
    let scene = AgentScene()
    scene.agent.terminate()
    scene.wait(milliseconds: 700)
    #expect(scene.agent.isLingering)
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    #expect(scene.loop.turn { !scene.agent.isLingering })
    #expect(scene.agent.origin.agentCount == 2)
  }

  @Test func aRetiredAgentEndsAtOnce() {
    let scene = AgentScene()
    scene.attach()
    _ = scene.ask(.retire)
    scene.agent.terminate()
    scene.wait(milliseconds: 300)
    #expect(!scene.agent.isLingering)
  }

  /// A kube-proxy that lags.
  @Test func aRetiredAgentStaysWhileItIsSentConnections() {
    let scene = AgentScene()
    scene.attach()
    _ = scene.ask(.retire)
    scene.agent.terminate()
    for _ in 0..<6 {
      let client = scene.client()
      #expect(scene.loop.turn { client.text == "origin" })
      scene.wait(milliseconds: 100)
    }
    #expect(scene.agent.isLingering)
    scene.wait(milliseconds: 500)
    #expect(!scene.agent.isLingering)
  }
}
