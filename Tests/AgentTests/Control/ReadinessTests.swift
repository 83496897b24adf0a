import TestSupport
import Testing
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

  // MARK: Over HTTP

  /// Asks by a request in these parts, and returns the answer's first line.
  private func ask(_ scene: AgentScene, _ parts: [String] = ["GET /ready HTTP/1.1\r\nhost: x\r\n\r\n"]) -> String {
    let client = TestClient(loop: scene.loop, port: scene.agent.boundReadinessPort ?? 0)
    for part in parts {
      client.send(part)
      scene.wait(milliseconds: 2)
    }
    scene.loop.turn { client.sawEnd || client.sawReset }
    defer { client.close() }
    return client.sawReset ? "reset" : String(client.text.prefix { $0 != "\r\n" })
  }

  @Test func answersANodesProbe() {
    let scene = AgentScene(originAnswers: false) { $0.readinessPort = freePort() }
    #expect(ask(scene) == "HTTP/1.1 503 Service Unavailable")
    scene.attach()
    _ = scene.ask(.admit)
    #expect(ask(scene) == "HTTP/1.1 200 OK")
    #expect(ask(scene, "GET / HTTP/1.1\r\nhost: x\r\n\r\n".map(String.init)) == "HTTP/1.1 200 OK")
    #expect(ask(scene, ["GET / HTTP/1.1\r\nx: \r\r\n\r", "\n"]) == "HTTP/1.1 200 OK")
    _ = scene.ask(.retire)
    #expect(ask(scene) == "HTTP/1.1 503 Service Unavailable")
  }

  @Test func aRequestWithoutEndIsNotKept() {
    let scene = AgentScene { $0.readinessPort = freePort() }
    scene.attach()
    _ = scene.ask(.admit)
    let port = scene.agent.boundReadinessPort ?? 0
    let endless = TestClient(loop: scene.loop, port: port)
    endless.send([UInt8](repeating: 0x78, count: 10_000))
    #expect(scene.loop.turn { endless.sawEnd || endless.sawReset })
    let silent = (0..<136).map { _ in TestClient(loop: scene.loop, port: port) }
    #expect(scene.loop.turn { silent.filter { $0.sawEnd || $0.sawReset }.count >= 8 })
    #expect(ask(scene) == "HTTP/1.1 200 OK")
    for client in silent + [endless] { client.close() }
  }
}
