import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

private let python = Interop.find("python3")

/// Clients and servers that misbehave at a port with rules, beside a client that does not. They need Python 3.
@Suite(.enabled(if: python != nil, "python3 is missing"), .serialized, .timeLimit(.minutes(10)))
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
    var (longest, last) = (0.0, Self.processorTime)
    let isOver = scene.loop.turn(seconds: 550) {
      longest = max(longest, Self.processorTime - last)
      last = Self.processorTime
      return !script.process.isRunning
    }
    #expect(isOver)
    // On the clock of this thread: whatever else the machine does, one fault must not keep the loop.
    #expect(longest < 1, "one turn took \(longest) s")
    let lines = script.output.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 16)
    for line in lines {
      let result = try JSONDecoder().decode(Result.self, from: line)
      #expect(result.outcome == "ok" && result.failed == 0, "\(result)")
      print("\(result.fault): \(result.requests) other requests, slowest \(result.slowest) ms")
    }
    print("longest turn: \(longest) s")
    #expect(scene.loop.turn(seconds: 30) { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
  }

  /// The time that this thread has run, seconds.
  private static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
