import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

private let python = Interop.find("python3")

/// Clients and servers that misbehave at a port with rules, beside a client that does not. They need Python 3.
@Suite(.enabled(if: python != nil, "python3 is missing"), .serialized, .timeLimit(.minutes(5)))
struct SplitFaultsTests {
  struct Result: Decodable {
    let fault: String
    let outcome: String
    let requests: Int
    let failed: Int
    let slowest: Double
  }
  @Test("A fault ends as it should, and costs nobody else a request")
  func faults() throws {
    let scene = AgentScene()
    scene.origin.close()
    let alice = Person(scene, 1)
    let host = freePort()
    alice.session.router = ToHost(host)
    #expect(alice.turn(scene.origin.port, matching: "header x-devtunnel=alice", count: 1))
    let script = try Interop.start(
      python!, script: "split_faults.py",
      ["127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "127.0.0.1:\(host)"])
    #expect(scene.loop.turn(seconds: 250) { !script.process.isRunning })
    let lines = script.output.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 16)
    for line in lines {
      let result = try JSONDecoder().decode(Result.self, from: line)
      #expect(result.outcome == "ok" && result.failed == 0 && result.slowest < 2000, "\(result)")
      print("\(result.fault): \(result.requests) other requests, slowest \(result.slowest) ms")
    }
    #expect(scene.loop.turn { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
  }
}
