import CLinux
import Foundation
import Relay
import TestSupport
import Testing
import TunnelProtocol

/// The agent as build-agent.sh makes it, as a process of its own.
///
/// `DEVTUNNEL_TEST_AGENT` is the command: `dist/devtunnel-agent-amd64`, or `qemu-aarch64-static
/// dist/devtunnel-agent-arm64`.
@Suite(
  .enabled(if: AgentProcess.command != nil, "DEVTUNNEL_TEST_AGENT does not name an agent"), .timeLimit(.minutes(2)))
struct AgentProcessTests {
  @Test("Is at most 256 KiB, of which a ConfigMap carries one for each architecture")
  func isSmall() throws {
    let program = try #require(AgentProcess.command?.last)
    let size = try #require(FileManager.default.attributesOfItem(atPath: program)[.size] as? Int)
    #expect(size <= 256 << 10)
  }

  @Test func servesASessionAndEndsOnSIGTERM() throws {
    let loop = EventLoop()!
    let echo = EchoServer(loop: loop)
    let control = freePort()
    let inbound = freePort()
    #expect(try AgentProcess.run(["ready", "--control", String(control)]) == 1, "nobody serves yet")
    let agent = try AgentProcess.start(["serve", "--control", String(control), "--listen", String(inbound)])
    defer { agent.terminate() }

    let session = try attach(loop: loop, port: control)
    #expect(
      try AgentProcess.run(["ready", "--control", String(control)]) == 1, "it has nowhere to lead connections yet")
    var told: [ControlMessage] = []
    let messages =
      session.open { ControlEnd(session: session, slot: $0, opening: true) { told.append($0) } } as? ControlEnd
    messages?.send(.admit)
    #expect(loop.turn { !told.isEmpty })
    #expect(try AgentProcess.run(["ready", "--control", String(control)]) == 0, "the daemon has admitted it")

    // Into the cluster.
    let payload = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }
    let outward = dial(session, port: echo.port)
    outward.send(payload)
    outward.finish()
    #expect(loop.turn(seconds: 30) { outward.sawEnd || outward.sawReset })
    let isSame = outward.received == payload
    #expect(isSame, "\(outward.received.count) bytes came back, or others")
    let refused = dial(session, port: freePort())
    #expect(loop.turn { refused.sawReset })

    // And out of it.
    session.router = ToHost(echo.port)
    messages?.send(ControlMessage(.turnToHost, port: inbound))
    #expect(loop.turn { told.contains { $0.kind == .turnToHost } })
    let inward = TestClient(loop: loop, port: inbound)
    inward.send("from the cluster")
    inward.finish()
    #expect(loop.turn { inward.sawEnd })
    #expect(inward.text == "from the cluster")

    agent.terminate()
    #expect(loop.turn { told.contains { $0.kind == .terminating } })
    #expect(loop.turn(seconds: 20) { !agent.isRunning })
    #expect(agent.terminationReason == .exit && agent.terminationStatus == 0)
    session.close()
    echo.close()
  }

  @Test func servesUDPAndDNSAndFiles() throws {
    let loop = EventLoop()!
    let control = freePort()
    let agent = try AgentProcess.start(["serve", "--control", String(control), "--never-ready"])
    defer { agent.terminate() }
    let session = try attach(loop: loop, port: control, holder: 0)

    let server = UDPServer(loop: loop)
    let flow = TestStream.open(
      session, Preamble(.udp, port: server.port, address: [127, 0, 0, 1]), framed([1, 2, 3]) + framed([]))
    #expect(loop.turn { flow.datagrams == [[1, 2, 3], []] })
    let closed = TestStream.open(session, Preamble(.udp, port: freePort(), address: [127, 0, 0, 1]), framed([1]))
    #expect(loop.turn { closed.sawReset })

    let nameserver = FakeNameserver(loop: loop)
    nameserver.table["a.b"] = [[10, 9, 8, 7]]
    nameserver.truncates = true
    let query: [UInt8] = [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 1, 98, 0, 0, 1, 0, 1]
    let names = TestStream.open(
      session, Preamble(.dns, port: nameserver.address.port, address: [127, 0, 0, 1]), framed(query))
    #expect(loop.turn { names.datagrams.count == 1 })
    #expect(names.datagrams.first?.suffix(4) == [10, 9, 8, 7] && names.datagrams.first?.prefix(2) == [1, 2])
    #expect(nameserver.tcpQuestions == 1)

    let folder = NSTemporaryDirectory() + "devtunnel-agent-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder + "/deep", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let contents = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 17 &+ $0 >> 7) }
    try Data(contents).write(to: URL(filePath: folder + "/deep/file"))
    let files = TestStream.open(session, Preamble(.file, port: 0, address: Array(folder.utf8)))
    let signature = TestStream.open(session, Preamble(.file, port: 1, address: Array(folder.utf8)))
    #expect(loop.turn(seconds: 20) { files.sawEnd && signature.sawEnd })
    // Three heads, two names, the contents, the end.
    #expect(files.received.count == 3 * FileEntryHead.size + 4 + 9 + contents.count + 1)
    let isSame = files.received.dropLast().suffix(contents.count) == contents[...]
    #expect(isSame && signature.received.count == 8)

    // None of these keeps it alive.
    agent.terminate()
    #expect(loop.turn { !agent.isRunning })
    session.close()
    server.close()
    nameserver.close()
  }

  /// A session with the agent, once it listens.
  private func attach(loop: EventLoop, port: UInt16, holder: UInt64 = 1) throws -> Session {
    for _ in 0..<100 {
      var address = loopback(port)
      let carrier = SocketCarrier(loop: loop, fd: clinux_tcp_connect(&address))
      let session = Session(
        loop: loop, carrier: carrier, hello: Hello(holder: holder, token: AgentProcess.token),
        pool: WindowPool())
      session.start()
      if loop.turn(until: { session.isOpen || session.isClosed }), session.isOpen { return session }
      session.close()
      Thread.sleep(forTimeInterval: 0.05)
    }
    throw CocoaError(.fileReadUnknown)
  }

  /// A client whose connection the agent passes to a loopback port.
  private func dial(_ session: Session, port: UInt16) -> TestClient {
    let (listener, local) = listening()
    let client = TestClient(loop: session.loop, port: local)
    var peer = clinux_address()
    var accepted: Int32 = -1
    session.loop.turn {
      accepted = clinux_accept(listener, &peer)
      return accepted >= 0
    }
    clinux_close(listener)
    _ = session.open {
      OpenerEnd(
        session: session, slot: $0, fd: accepted, preamble: Preamble(.tcp, port: port, address: [127, 0, 0, 1]))
    }
    return client
  }
}

private enum AgentProcess {
  static let command: [String]? = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_AGENT"].flatMap {
    $0.isEmpty ? nil : $0.split(separator: " ").map(String.init)
  }
  static let token = [UInt8](repeating: 0xa5, count: Hello.tokenSize)

  static func start(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["DEVTUNNEL_TOKEN=" + String(repeating: "a5", count: Hello.tokenSize)] + command! + arguments
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  static func run(_ arguments: [String]) throws -> Int32 {
    let process = try start(arguments)
    process.waitUntilExit()
    return process.terminationStatus
  }
}
