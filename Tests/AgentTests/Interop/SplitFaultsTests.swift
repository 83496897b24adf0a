import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Clients and servers that misbehave at a port with rules, beside a client that does not. They need Python 3.
@Suite(.enabled(if: SplitFaults.python != nil, "python3 is missing"), .serialized, .timeLimit(.minutes(5)))
struct SplitFaultsTests {
  @Test("A fault ends as it should, and costs nobody else a request")
  func faults() throws {
    let scene = AgentScene()
    scene.origin.close()
    let alice = Person(scene, 1)
    let host = freePort()
    alice.session.router = ToHost(host)
    #expect(alice.turn(scene.origin.port, matching: "header x-devtunnel=alice", count: 1))
    let script = try SplitFaults.start([
      "127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "127.0.0.1:\(host)",
    ])
    #expect(scene.loop.turn(seconds: 250) { !script.process.isRunning })
    let lines = script.output.fileHandleForReading.readDataToEndOfFile().split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 16)
    for line in lines {
      let result = try JSONDecoder().decode(SplitFaults.Result.self, from: line)
      #expect(result.outcome == "ok" && result.failed == 0 && result.slowest < 2000, "\(result)")
      print("\(result.fault): \(result.requests) other requests, slowest \(result.slowest) ms")
    }
    #expect(scene.loop.turn { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
  }
}

private enum SplitFaults {
  struct Result: Decodable {
    let fault: String
    let outcome: String
    let requests: Int
    let failed: Int
    let slowest: Double
  }

  static let python = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  static func start(_ arguments: [String]) throws -> (process: Process, output: Pipe) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python!)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "split_faults.py")
    process.arguments = [script.path] + arguments
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    return (process, output)
  }
}
