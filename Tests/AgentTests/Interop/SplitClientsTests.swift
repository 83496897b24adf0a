import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Real clients through an agent that splits their requests. They need Python 3 and curl.
@Suite(
  .enabled(if: SplitClients.areInstalled, "python3 or curl is missing"), .serialized, .timeLimit(.minutes(5)))
struct SplitClientsTests {
  @Test("http.client, urllib and curl get each answer from the right server")
  func http1() throws {
    let scene = AgentScene()
    scene.origin.close()
    let alice = Person(scene, 1)
    let host = freePort()
    alice.session.router = ToHost(host)
    #expect(alice.turn(scene.origin.port, matching: "header x-devtunnel=alice", count: 1))
    let rounds = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_SPLIT_ROUNDS"] ?? "40"
    let script = try SplitClients.start([
      "127.0.0.1:\(scene.agent.boundPorts[0])", "127.0.0.2:\(scene.origin.port)", "127.0.0.1:\(host)", rounds,
    ])
    #expect(scene.loop.turn(seconds: 250) { !script.process.isRunning })
    let line = script.output.fileHandleForReading.readDataToEndOfFile()
    let result = try JSONDecoder().decode(SplitClients.Result.self, from: line)
    #expect(result.errors.isEmpty, "\(result)")
    #expect(result.requests > 250 && result.host > 80, "\(result)")
    let counters = alice.ask(ControlMessage(.counters, port: scene.origin.port))
    #expect(counters?.first == UInt64(result.host))
    #expect(scene.loop.turn { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
    print("split: \(result.requests) requests, \(result.host) of them to the host")
  }
}

private enum SplitClients {
  struct Result: Decodable {
    let requests: Int
    let host: Int
    let errors: [String]
  }

  static let areInstalled = find("python3") != nil && find("curl") != nil

  private static func find(_ program: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func start(_ arguments: [String]) throws -> (process: Process, output: Pipe) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: find("python3")!)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "split_clients.py")
    process.arguments = [script.path] + arguments
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    return (process, output)
  }
}
