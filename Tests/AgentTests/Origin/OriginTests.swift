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
