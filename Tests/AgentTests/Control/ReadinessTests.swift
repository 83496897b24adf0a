import Testing
import TestSupport
import TunnelProtocol

@testable import Relay

@Suite(.serialized) struct ReadinessTests {
  @Test func readyOnlyWithOriginOrAdmittedSession() {
    let scene = AgentScene(originAnswers: false)
    #expect(!scene.isReady)
    scene.attach()
    #expect(!scene.isReady, "what it would be sent now would be reset")
    _ = scene.ask(.admit)
    #expect(scene.isReady)
    _ = scene.ask(.retire)
    #expect(!scene.isReady)
  }

  /// Cluster DNS would keep "no such name" for the next agent.
  @Test func onceLeftItDoesNotAskForTheOrigin() {
    let scene = AgentScene()
    scene.attach()
    _ = scene.ask(.retire)
    let before = scene.nameserver.asked.count
    #expect(scene.loop.turn { scene.nameserver.asked.count > before })
    scene.wait(milliseconds: 100)
    #expect(!scene.nameserver.asked[before...].contains("origin.ns"))
  }

  @Test func aShellsAgentIsNeverReady() {
    let scene = AgentScene(neverReady: true)
    scene.attach()
    #expect(!scene.isReady)
  }
}
