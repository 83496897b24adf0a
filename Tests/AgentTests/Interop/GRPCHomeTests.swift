import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Real gRPC: client and servers of grpcio (`pip install grpcio`).
@Suite(
  .enabled(
    if: GRPC.python != nil, "DEVTUNNEL_TEST_GRPC_PYTHON does not name a Python with the package grpcio"),
  .serialized, .timeLimit(.minutes(10)))
struct GRPCHomeTests {
  @Test(
    "A standing channel loses no call while the host's server is restarted, and is home a second later",
    arguments: ["graceful", "killed"])
  func restarts(way: String) throws {
    let scene = AgentScene()
    scene.origin.close()
    scene.attach()
    let host = freePort()
    scene.session?.router = ToHost(host)
    #expect(scene.ask(ControlMessage(.turnToHost, port: scene.origin.port)) != nil)
    let rounds = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_GRPC_RESTARTS"] ?? "4"
    let script = try GRPC.start(
      "grpc_home.py",
      [
        "127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "127.0.0.1:\(host)", rounds, way,
      ])
    #expect(scene.loop.turn(seconds: 500) { !script.process.isRunning })
    let result = try JSONDecoder().decode(GRPC.Result.self, from: script.output)
    #expect(result.failed == 0 && result.late == 0, "\(result)")
    #expect(result.calls > 100 && result.host > 0, "\(result)")
    print("gRPC, \(rounds) restarts, \(way): \(result)")
  }
}

enum GRPC {
  struct Result: Decodable {
    let calls: Int
    let host: Int
    let failed: Int
    let late: Int
    let longest: Double
    let errors: [String]
  }

  static let python: String? = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_GRPC_PYTHON"].flatMap {
    $0.isEmpty ? nil : $0
  }

  static func start(_ script: String, _ arguments: [String]) throws -> Interop.Running {
    try Interop.start(python!, script: script, arguments)
  }
}
