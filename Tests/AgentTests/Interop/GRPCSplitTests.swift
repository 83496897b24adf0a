import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Real gRPC through an agent that splits its calls: client and servers of grpcio (`pip install grpcio`).
@Suite(
  .enabled(
    if: GRPC.python != nil, "DEVTUNNEL_TEST_GRPC_PYTHON does not name a Python with the package grpcio"),
  .serialized, .timeLimit(.minutes(10)))
struct GRPCSplitTests {
  @Test("Calls of each kind on one channel get their answers from the servers that their metadata chooses")
  func calls() throws {
    let scene = AgentScene()
    scene.origin.close()
    let alice = Person(scene, 1)
    let host = freePort()
    alice.session.router = ToHost(host)
    #expect(alice.turn(scene.origin.port, matching: "header x-devtunnel=alice", count: 1))
    let rounds = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_GRPC_CALLS"] ?? "40"
    let script = try GRPC.start(
      "grpc_split.py",
      [
        "127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "127.0.0.1:\(host)", rounds,
      ])
    #expect(scene.loop.turn(seconds: 500) { !script.process.isRunning })
    let result = try JSONDecoder().decode(Result.self, from: script.output)
    #expect(result.wrong == 0 && result.failed == 0, "\(result)")
    #expect(result.calls == 6 * (Int(rounds) ?? 0))
    #expect(scene.loop.turn { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
    print("gRPC through a split: \(result)")
  }

  private struct Result: Decodable {
    let calls: Int
    let wrong: Int
    let failed: Int
    let errors: [String]
  }
}
