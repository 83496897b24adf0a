import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Relay

/// Two sessions over a socket pair, in one loop.
private final class Tunnel {
  let loop = EventLoop()!
  let near: Session
  let far: Session
  let router: ToPort

  init(port: UInt16) {
    var both: [Int32] = [0, 0]
    clinux_socketpair(&both)
    near = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[0]), role: .client, pool: WindowPool())
    far = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[1]), role: .server, pool: WindowPool())
    router = ToPort(port)
    far.router = router
    near.start()
    far.start()
  }

  deinit {
    near.close()
    far.close()
  }

  /// A client whose connection is the near end of a stream.
  func connect() -> TestClient {
    let (listener, port) = listening()
    let client = TestClient(loop: loop, port: port)
    var peer = clinux_address()
    var accepted: Int32 = -1
    loop.turn {
      accepted = clinux_accept(listener, &peer)
      return accepted >= 0
    }
    clinux_close(listener)
    let end = near.open {
      OpenerEnd(session: self.near, slot: $0, fd: accepted, preamble: Preamble(.tcp, port: 0, address: [127, 0, 0, 1]))
    }
    precondition(end != nil)
    return client
  }
}

private final class ToPort: StreamRouter {
  let port: UInt16
  var refusals: [StreamStatus] = []
  init(_ port: UInt16) { self.port = port }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    end.connect(to: loopback(port))
    return end
  }

  override func refused(_ preamble: Preamble, _ status: StreamStatus) { refusals.append(status) }
}

@Suite struct SessionTests {
  @Test func carriesBothWaysAndHalfCloses() {
    let (fd, port) = listening()
    let tunnel = Tunnel(port: port)
    let server = ListeningServer(loop: tunnel.loop, fd: fd)
    let client = tunnel.connect()
    let question = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    client.send(question)
    client.finish()
    #expect(tunnel.loop.turn { server.connections.first?.sawEnd == true })
    #expect(server.connections.first?.received == question)
    server.connections[0].send("answer after the end")
    server.connections[0].finish()
    #expect(tunnel.loop.turn { client.sawEnd })
    #expect(client.text == "answer after the end")
    #expect(tunnel.loop.turn { tunnel.near.mux.streamCount == 0 && tunnel.far.mux.streamCount == 0 })
    #expect(tunnel.loop.blocks.waiting == 0)
    server.close()
  }

  @Test func aRefusedDialReachesTheClientAsAReset() {
    let tunnel = Tunnel(port: freePort())
    let client = tunnel.connect()
    client.send("anybody?")
    #expect(tunnel.loop.turn { client.sawReset })
    #expect(tunnel.router.refusals == [.refused])
    #expect(tunnel.loop.turn { tunnel.near.mux.streamCount == 0 && tunnel.far.mux.streamCount == 0 })
  }

  @Test func aSlowReaderStopsItsOwnStreamOnly() {
    let (fd, port) = listening()
    let tunnel = Tunnel(port: port)
    let server = ListeningServer(loop: tunnel.loop, fd: fd)
    let slow = tunnel.connect()
    tunnel.loop.turn { server.connections.count == 1 }
    server.connections[0].isReading = false
    slow.send([UInt8](repeating: 1, count: 40 << 20))
    let quick = tunnel.connect()
    tunnel.loop.turn { server.connections.count == 2 }
    quick.send("still there?")
    #expect(tunnel.loop.turn { server.connections[1].text == "still there?" })
    #expect(tunnel.loop.blocks.waiting < 4 << 20, "what waits is a window, not all that was sent")
    server.connections[0].isReading = true
    #expect(tunnel.loop.turn(seconds: 20) { server.connections[0].received.count == 40 << 20 })
    server.close()
  }

  @Test func aClientThatResetsIsPassedOn() {
    let (fd, port) = listening()
    let tunnel = Tunnel(port: port)
    let server = ListeningServer(loop: tunnel.loop, fd: fd)
    let client = tunnel.connect()
    client.send("hello")
    #expect(tunnel.loop.turn { server.connections.first?.text == "hello" })
    clinux_reset(client.fd)
    #expect(tunnel.loop.turn { server.connections[0].sawReset })
    server.close()
  }

  @Test func garbageInsteadOfFramesEndsTheSession() {
    let loop = EventLoop()!
    var both: [Int32] = [0, 0]
    clinux_socketpair(&both)
    let session = Session(
      loop: loop, carrier: SocketCarrier(loop: loop, fd: both[0]), role: .server, pool: WindowPool())
    var told: [SessionEvent] = []
    session.onEvent = { told.append($0) }
    session.start()
    _ = clinux_send(both[1], "this is no yamux frame", 22)
    #expect(loop.turn { !told.isEmpty })
    #expect(told == [.violation(.malformedHeader)])
    clinux_close(both[1])
  }

  @Test func manyConnectionsAtOnce() {
    let (fd, port) = listening()
    let tunnel = Tunnel(port: port)
    let server = ListeningServer(loop: tunnel.loop, fd: fd)
    server.onAccept = {
      $0.send("x")
      $0.finish()
    }
    let clients = (0..<150).map { _ in tunnel.connect() }
    #expect(tunnel.loop.turn(seconds: 25) { clients.allSatisfy { $0.sawEnd } })
    #expect(clients.allSatisfy { $0.text == "x" })
    for client in clients { client.close() }
    for connection in server.connections { connection.close() }
    #expect(tunnel.loop.turn { tunnel.near.mux.streamCount == 0 && tunnel.far.mux.streamCount == 0 })
    server.close()
  }
}

/// A `TestServer` on a socket that exists before its loop does.
private final class ListeningServer: Listener {
  var connections: [TestClient] = []
  var onAccept: ((TestClient) -> Void)?

  override init(loop: EventLoop, fd: Int32) {
    super.init(loop: loop, fd: fd)
    start()
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    let client = TestClient(loop: loop, fd: connection)
    connections.append(client)
    onAccept?(client)
  }
}
