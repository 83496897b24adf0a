import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

private let pythonWithCurl = Interop.find("curl").flatMap { _ in Interop.find("python3") }
private let nodeProgram = Interop.find("node")

/// Real clients through an agent that splits their requests.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SplitClientsTests {
  struct Result: Decodable {
    let requests: Int
    let host: Int
    let errors: [String]
  }

  @Test(
    "http.client, urllib and curl get each answer from the right server",
    .enabled(if: pythonWithCurl != nil, "python3 or curl is missing"))
  func python() throws {
    let result = try run(pythonWithCurl!, "split_clients.py")
    #expect(result.requests > 250 && result.host > 80, "\(result)")
  }

  @Test(
    "Node's client gets each answer from the right server",
    .enabled(if: nodeProgram != nil, "node is missing"), arguments: ["1", "2"])
  func node(version: String) throws {
    let result = try run(nodeProgram!, "split_node.js", version)
    #expect(result.requests >= 40 && result.host > 10, "\(result)")
  }

  private func run(_ interpreter: String, _ script: String, _ version: String? = nil) throws -> Result {
    let scene = AgentScene()
    scene.origin.close()
    let alice = Person(scene, 1)
    let host = freePort()
    alice.session.router = ToHost(host)
    #expect(alice.turn(scene.origin.port, matching: "header x-devtunnel=alice", count: 1))
    let rounds = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_SPLIT_ROUNDS"] ?? "40"
    let running = try Interop.start(
      interpreter, script: script,
      ["127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "127.0.0.1:\(host)", rounds]
        + [version].compactMap(\.self))
    #expect(scene.loop.turn(seconds: 250) { !running.process.isRunning })
    let result = try JSONDecoder().decode(Result.self, from: running.output)
    #expect(result.errors.isEmpty, "\(result)")
    let counters = alice.ask(ControlMessage(.counters, port: scene.origin.port))
    #expect(counters?.first == UInt64(result.host))
    #expect(scene.loop.turn { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
    print("\(script): \(result.requests) requests, \(result.host) of them to the host")
    return result
  }
}
