import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Clients and servers of nghttp2, and curl, through an agent that splits their requests.
@Suite(
  .enabled(if: NGHTTP2.areInstalled, "nghttpd, h2load (nghttp2) or curl is missing"), .serialized,
  .timeLimit(.minutes(5)))
struct NGHTTP2SplitTests {
  private let scene = AgentScene()
  private let alice: Person
  private let servers: [NGHTTP2.Server]
  private let agent: String

  init() throws {
    scene.origin.close()
    alice = Person(scene, 1)
    let host = freePort()
    alice.session.router = ToHost(host)
    servers = try [
      NGHTTP2.Server("origin", "127.0.0.2", scene.origin.port), NGHTTP2.Server("host", "127.0.0.1", host),
    ]
    #expect(alice.turn(scene.origin.port, matching: "header x-devtunnel=alice", count: 1))
    agent = "http://127.0.0.1:\(scene.agent.boundPorts[0])"
  }

  /// Runs programs at once, and returns what they print.
  private func run(_ commands: [[String]]) throws -> [String] {
    let programs = try commands.map { try NGHTTP2.start($0) }
    #expect(scene.loop.turn(seconds: 120) { !programs.contains { $0.process.isRunning } })
    return programs.map { String(decoding: $0.output, as: UTF8.self) }
  }

  @Test("h2load's requests are all answered, those that match and those that do not")
  func load() throws {
    let load = ["h2load", "-n", "3000", "-c", "4", "-m", "20"]
    for output in try run([
      load + ["\(agent)/small"], load + ["-H", "x-devtunnel: alice", "\(agent)/small"],
      load + ["-w", "12", "-W", "16", "-H", "x-devtunnel: bob", "\(agent)/small"],
    ]) { #expect(output.contains("3000 succeeded, 0 failed, 0 errored"), "\(output)") }
    let counters = alice.ask(ControlMessage(.counters, port: scene.origin.port))
    #expect(counters?.first == 3000)
    #expect(scene.loop.turn { scene.agent.connections == 0 } && scene.loop.blocks.held == 0)
  }

  @Test("Large bodies come whole from each server, and go whole to the host")
  func bodies() throws {
    let folder = servers[0].folder
    let curl = ["curl", "-s", "--http2-prior-knowledge", "--max-time", "100"]
    _ = try run([
      curl + ["-o", "\(folder)/a", "\(agent)/big"],
      curl + ["-o", "\(folder)/b", "-H", "x-devtunnel: alice", "\(agent)/big"],
      curl + [
        "-o", "\(folder)/c", "-H", "x-devtunnel: alice", "--data-binary", "@\(folder)/big", "\(agent)/echo",
      ],
    ])
    for (name, server) in [("a", servers[0]), ("b", servers[1]), ("c", servers[0])] {
      let got = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
      #expect(got == server.big, "\(name): \(got?.count ?? -1) bytes")
    }
  }
}

private enum NGHTTP2 {
  static let areInstalled = ["nghttpd", "h2load", "curl"].allSatisfy { Interop.find($0) != nil }

  static func start(_ command: [String]) throws -> Interop.Running {
    try Interop.start(Interop.find(command[0])!, Array(command.dropFirst()))
  }

  /// nghttpd with a small and a large file of its own.
  final class Server {
    let folder: String
    let big: Data
    private let process: Process

    init(_ name: String, _ address: String, _ port: UInt16) throws {
      folder = FileManager.default.temporaryDirectory.appending(path: "split-\(name)-\(port)").path
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      big = Data((0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ name.count) })
      try big.write(to: URL(fileURLWithPath: "\(folder)/big"))
      try Data(name.utf8).write(to: URL(fileURLWithPath: "\(folder)/small"))
      process = try NGHTTP2.start([
        "nghttpd", "--no-tls", "--echo-upload", "-a", address, "-d", folder, "\(port)",
      ]).process
      usleep(300_000)
    }

    deinit {
      kill(process.processIdentifier, SIGKILL)  // SIGTERM may be blocked, as in a test's process
      process.waitUntilExit()
      try? FileManager.default.removeItem(atPath: folder)
    }
  }
}
