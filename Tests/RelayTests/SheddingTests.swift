import CLinux
import Glibc
import TestSupport
import Testing
import TunnelProtocol

@testable import Relay

/// Bytes that no one reads have a limit for the whole loop: beyond it the connections that hold most are reset.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SheddingTests {
  /// A tunnel over a socket pair, whose streams end at a port.
  private final class Tunnel {
    let near: Session
    let far: Session
    private let loop: EventLoop

    init(_ loop: EventLoop, to port: UInt16) {
      self.loop = loop
      var both: [Int32] = [0, 0]
      clinux_socketpair(&both)
      near = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[0]), role: .client, pool: WindowPool())
      far = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[1]), role: .server, pool: WindowPool())
      far.router = ToPort(port)
      near.start()
      far.start()
    }

    deinit { for session in [near, far] { session.close() } }

    /// Connects a client whose connection is the near end of a stream.
    func connect<Client>(_ client: (_ port: UInt16) -> Client) -> Client {
      let (listener, port) = listening()
      defer { clinux_close(listener) }
      let client = client(port)
      var peer = clinux_address()
      var accepted: Int32 = -1
      loop.turn {
        accepted = clinux_accept(listener, &peer)
        return accepted >= 0
      }
      _ = near.open {
        OpenerEnd(session: self.near, slot: $0, fd: accepted, preamble: Preamble(.inbound, port: 8080))
      }
      return client
    }
  }

  /// A client that sends whenever the kernel takes something.
  private final class Flood: Handler {
    private let loop: EventLoop
    private let fd: Int32
    private(set) var sawReset = false
    private let bytes = [UInt8](repeating: 7, count: 64 << 10)

    init(loop: EventLoop, port: UInt16) {
      self.loop = loop
      var address = loopback(port)
      fd = clinux_tcp_connect(&address)
      super.init()
      loop.watch(fd, self)
    }

    override func ready(_ events: UInt32) {
      while !sawReset {
        let count = bytes.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) }
        if count == -Int(clinux_EAGAIN) || count == -Int(ENOTCONN) { return }
        if count < 0 { sawReset = true }
      }
    }

    func close() {
      loop.unwatch(fd)
      loop.unregister(self)
      clinux_close(fd)
    }
  }

  private final class ToPort: StreamRouter {
    let port: UInt16
    init(_ port: UInt16) { self.port = port }

    override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
      let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
      end.connect(to: loopback(port))
      return end
    }
  }

  /// Each client fills its stream's window, 256 KiB at first: no more than four fit into the limit.
  @Test("Clients that send to a port that no one reads take no more than the limit, and another tunnel works")
  func unread() {
    let loop = EventLoop()!
    let limit = 1 << 20
    loop.blocks.limit = limit
    // The kernel takes these connections, and what its buffers hold of their bytes.
    let (unread, port) = listening()
    defer { clinux_close(unread) }
    var size: Int32 = 4096
    setsockopt(unread, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    let echo = EchoServer(loop: loop)
    let (crowded, other) = (Tunnel(loop, to: port), Tunnel(loop, to: echo.port))
    let clients = (0..<8).map { _ in crowded.connect { Flood(loop: loop, port: $0) } }
    let reader = other.connect { TestClient(loop: loop, port: $0) }
    var most = 0
    func turn(seconds: Double, until condition: () -> Bool) -> Bool {
      loop.turn(seconds: seconds) {
        most = max(most, loop.blocks.held)
        return condition()
      }
    }
    #expect(turn(seconds: 30) { clients.count { $0.sawReset } >= 4 })
    reader.send("hello")
    #expect(turn(seconds: 10) { reader.text == "hello" }, "the other tunnel works")
    _ = turn(seconds: 0.3) { false }
    #expect(most <= limit && most > limit / 2, "\(most)")
    for client in clients { client.close() }
    reader.close()
    echo.close()
  }
}
