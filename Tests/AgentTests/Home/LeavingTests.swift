import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

private let python = Interop.find("python3")

/// Clients of HTTP/1 on the origin of an agent that ends: to close a connection in use would meet the next request.
@Suite(.serialized, .timeLimit(.minutes(3))) struct LeavingTests {
  private typealias Scene = SplitScene

  private let told = "Connection: close"

  private func end(_ split: SplitScene) {
    // Another agent is listed, so this one need not stay.
    split.scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    split.agent.terminate()
  }

  /// Sends requests, one after the other, until an answer says that the connection ends.
  private func askOn(_ split: SplitScene, _ client: TestClient, path: String, most: Int = 10_000) {
    for number in 0..<most where !client.text.contains(told) {
      let request = Scene.request("\(path)\(number)")
      client.send(request)
      guard let server = split.atOrigin(request) else { return }
      server.send(Scene.answer("\(number)"))
      #expect(split.loop.turn { client.ends(with: "\r\n\r\n\(number)") })
    }
    #expect(client.text.contains(told) && split.loop.turn { client.sawEnd } && !client.sawReset)
  }

  @Test("A client that goes on asking loses no request")
  func inUse() {
    let split = SplitScene(rule: nil)
    let client = split.scene.client()
    split.exchange(client, Scene.request("/first"), person: nil, "x")
    end(split)
    askOn(split, client, path: "/")
    #expect(split.loop.turn { split.agent.connections == 0 })
  }

  @Test("A client whose answer was on its way gets its next one, too")
  func midway() {
    let split = SplitScene(rule: nil)
    let client = split.scene.client()
    client.send(Scene.request("/first"))
    let origin = split.atOrigin(Scene.request("/first"))
    end(split)
    #expect(split.loop.turn { !split.agent.isLingering })
    origin?.send(Scene.answer("first"))
    #expect(split.loop.turn { client.ends(with: Scene.answer("first")) } && !client.sawEnd)
    askOn(split, client, path: "/", most: 1)
  }

  @Test("Idle clients, and silent ones, are let go in a moment")
  func idle() {
    let split = SplitScene(rule: nil)
    let idle = split.scene.client()
    split.exchange(idle, Scene.request("/1"), person: nil, "x")
    let silent = split.scene.client()
    end(split)
    #expect(split.loop.turn(seconds: 10) { idle.sawEnd && silent.sawEnd } && !idle.sawReset && !silent.sawReset)
    #expect(idle.text == Scene.answer("x"))
    #expect(split.loop.turn { split.agent.connections == 0 })
  }

  @Test("A connection that is split, and whose way 0 is on the origin for an absent host, is told as well")
  func behindSplit() {
    let split = SplitScene()
    let bob = Person(split.scene, 2)
    bob.session.router = ToHost(freePort())
    #expect(bob.ask(ControlMessage(.turnToHost, port: split.port, second: 0)) != nil)
    let client = split.scene.client()
    split.exchange(client, Scene.request("/first"), person: nil, "x")
    end(split)
    #expect(split.loop.turn { !split.agent.isLingering })
    split.scene.wait(milliseconds: 100)
    #expect(!client.sawEnd)
    askOn(split, client, path: "/", most: 1)
  }

  @Test(
    "http.client sends POSTs to an agent that ends, and loses none", .enabled(if: python != nil, "python3 is missing"))
  func posts() throws {
    struct Result: Decodable {
      let answered: Int
      let told: Int
      let errors: [String]
    }
    let scene = AgentScene()
    scene.origin.close()
    let running = try Interop.start(
      python!, script: "leaving_clients.py",
      ["127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "24"])
    #expect(scene.loop.turn(seconds: 60) { scene.agent.connections >= 24 })
    scene.wait(milliseconds: 300)
    scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    scene.agent.terminate()
    #expect(scene.loop.turn(seconds: 60) { !running.process.isRunning })
    let result = try JSONDecoder().decode(Result.self, from: running.output)
    #expect(result.errors.isEmpty && result.told == 24 && result.answered > 24 * 2, "\(result)")
    print("leaving_clients.py: \(result)")
  }
}
