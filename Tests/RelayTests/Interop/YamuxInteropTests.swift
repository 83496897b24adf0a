import CLinux
import Foundation
import TestSupport
import Testing
import TunnelProtocol

@testable import Relay

/// The relay against py-libp2p's yamux, which shares no code with ours (yamux_peer.py says what it does).
///
/// `DEVTUNNEL_TEST_YAMUX_PYTHON` names a Python that has the package libp2p.
@Suite(
  .enabled(if: Python.executable != nil, "DEVTUNNEL_TEST_YAMUX_PYTHON does not name a Python with the package libp2p"),
  .timeLimit(.minutes(2)))
struct YamuxInteropTests {
  @Test func theyDial() throws {
    let loop = EventLoop()!
    let (listener, port) = listening()
    let python = try Python(arguments: ["dial", String(port)])
    var peer = clinux_address()
    var fd: Int32 = -1
    loop.turn(seconds: 30) {
      fd = clinux_accept(listener, &peer)
      return fd >= 0 || !python.isRunning
    }
    clinux_close(listener)
    try #require(fd >= 0, "python did not connect: \(python.errors)")
    try exchange(python, loop: loop, fd: fd, role: .server)
  }

  @Test func weDial() throws {
    let loop = EventLoop()!
    let python = try Python(arguments: ["listen"])
    let line = python.firstLine()
    let port = try #require(UInt16(line), "python did not listen: \(python.errors)")
    var address = loopback(port)
    try exchange(python, loop: loop, fd: clinux_tcp_connect(&address), role: .client)
  }

  /// Streams from both ends at once, each more than five initial windows long, and the ways that streams end.
  private func exchange(_ python: Python, loop: EventLoop, fd: Int32, role: YamuxSession.Role) throws {
    let session = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: fd), role: role, pool: WindowPool())
    let echo = EchoServer(loop: loop)
    let quiet = TestServer(loop: loop)
    var told: [SessionEvent] = []
    session.router = ByPort([PeerPort.echo: echo.port, PeerPort.resetByOpener: quiet.port])
    session.onEvent = { told.append($0) }
    session.start()
    // Our side connects at leisure; the peer's first frames may come before.
    let payloads = (0..<4).map { seed in
      (0..<1_500_000).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 31 &+ $0 >> 8) }
    }
    let echoed = payloads.map { payload in
      let client = connect(session, PeerPort.echo)
      client.send(payload)
      client.finish()
      return client
    }
    let refused = connect(session, PeerPort.resetAtOnce)
    let leaving = connect(session, PeerPort.resetByOpener)
    #expect(loop.turn(seconds: 10) { leaving.text == "waiting" }, "\(leaving.text) \(python.isRunning)")
    clinux_reset(leaving.fd)

    // A reset of theirs arrives in the socket behind their stream.
    #expect(loop.turn(seconds: 10) { quiet.connections.first?.sawReset == true })
    #expect(quiet.connections.first?.text == "waiting")
    #expect(loop.turn(seconds: 10) { refused.sawReset })

    #expect(loop.turn(seconds: 60) { echoed.allSatisfy { $0.sawEnd || $0.sawReset } })
    for (client, payload) in zip(echoed, payloads) {
      // Compared outside: a failing #expect would compute the difference of the two for minutes.
      let isSame = client.received == payload
      #expect(isSame, "\(client.received.count) of \(payload.count) bytes came back, or others")
    }
    // Python's own echoes end, it measures a round trip, says go-away and closes.
    #expect(loop.turn(seconds: 60) { session.isClosed || !python.isRunning })
    #expect(loop.turn { session.isClosed })
    #expect(told == [.carrierEnded(.closed)])
    #expect(session.mux.goAwayReceived)
    #expect(session.mux.roundTrip != nil, "our ping was answered")
    #expect(session.mux.streamCount == 0)
    #expect(session.mux.pool.used == 0)
    #expect(loop.blocks.waiting == 0)
    #expect(
      session.receivedBytes > 12_000_000 && session.sentBytes > 12_000_000, "both directions needed window updates")
    python.wait()
    #expect(python.status == 0, "\(python.errors)")
    session.close()
    echo.close()
    quiet.close()
    for client in echoed + [refused] { client.close() }
  }

  /// A client whose connection is our end of a new stream.
  private func connect(_ session: Session, _ port: UInt16) -> TestClient {
    let (listener, local) = listening()
    let client = TestClient(loop: session.loop, port: local)
    var peer = clinux_address()
    var accepted: Int32 = -1
    session.loop.turn {
      accepted = clinux_accept(listener, &peer)
      return accepted >= 0
    }
    clinux_close(listener)
    let end = session.open {
      OpenerEnd(
        session: session, slot: $0, fd: accepted, preamble: Preamble(.tcp, port: port, address: [127, 0, 0, 1]))
    }
    #expect(end != nil)
    return client
  }
}

/// The uses of a stream, as yamux_peer.py has them.
private enum PeerPort {
  static let echo: UInt16 = 7
  static let resetAtOnce: UInt16 = 8
  static let resetByOpener: UInt16 = 9
}

/// Routes streams to local ports by the port in their preamble.
private final class ByPort: StreamRouter {
  let ports: [UInt16: UInt16]
  init(_ ports: [UInt16: UInt16]) { self.ports = ports }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    if let port = ports[preamble.port] { end.connect(to: loopback(port)) } else { end.refuse(.notServed) }
    return end
  }
}

/// yamux_peer.py as a child process.
private final class Python {
  static let executable: String? = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_YAMUX_PYTHON"].flatMap {
    $0.isEmpty ? nil : $0
  }

  private let process = Process()
  private let output = Pipe()
  private let problems = Pipe()

  init(arguments: [String], script: String = #filePath) throws {
    let script = URL(fileURLWithPath: script).deletingLastPathComponent().appendingPathComponent("yamux_peer.py")
    process.executableURL = URL(fileURLWithPath: Python.executable!)
    process.arguments = [script.path] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = problems
    try process.run()
  }

  var isRunning: Bool { process.isRunning }
  var status: Int32 { process.terminationStatus }

  /// Its first line of output; blocks until it has come.
  func firstLine() -> String {
    String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
  }

  /// Ends the peer and returns its standard error.
  var errors: String {
    wait()
    return String(decoding: (try? problems.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
  }

  /// Waits for its end, and ends it after five seconds.
  func wait() {
    for _ in 0..<100 where process.isRunning { Thread.sleep(forTimeInterval: 0.05) }
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  deinit { if process.isRunning { process.terminate() } }
}
