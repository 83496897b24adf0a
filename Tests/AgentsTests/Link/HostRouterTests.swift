import CLinux
import Glibc
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Agents

/// Any caller of an intercepted Service may open connections to it without end.
@Suite(.timeLimit(.minutes(2))) struct HostRouterTests {
  /// The daemon's end of a tunnel, and the agent's.
  private final class Tunnel {
    let endpoint: LinkEndpoint
    let near: Session
    let agent: Session

    init(_ loop: EventLoop, to port: UInt16) {
      endpoint = LinkEndpoint(loop: loop)
      endpoint.router.setTarget(loopback(port), for: 80)
      var both: [Int32] = [0, 0]
      clinux_socketpair(&both)
      near = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[0]), role: .client, pool: WindowPool())
      agent = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[1]), role: .server, pool: WindowPool())
      near.router = endpoint.router
      near.start()
      agent.start()
    }

    /// A connection that has arrived at the agent.
    func connect() -> Inbound { agent.open { Inbound(session: self.agent, slot: $0) } as! Inbound }
  }

  /// The agent's end of a stream, without a socket.
  private final class Inbound: StreamEnd {
    private(set) var status: StreamStatus?
    private var isSent = false

    override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
      guard !isSent else { return .nothing }
      isSent = true
      let preamble = Preamble(.inbound, port: 80, address: [10, 0, 0, 1])
      preamble.write(to: place)
      return .bytes(preamble.size, more: false)
    }

    override func received(_ bytes: UnsafeRawBufferPointer) {
      session.consume(self, bytes.count)
      if status == nil { status = bytes.first.flatMap { StreamStatus(rawValue: $0) } }
    }

    override func abort() { session.release(self) }
  }

  @Test(
    "2,000 idle connections to one Service do not hurt the others, the API client and the control socket"
  )
  func oneUnderAttack() async {
    await #expect(processExitsWith: .success) {
      #expect(clinux_set_open_files(512) == 0)
      let loop = EventLoop()!
      let limits = ConnectionLimits(openFiles: 512)
      loop.connections.limit = limits.all
      loop.tunnelLimit = limits.tunnel
      // It listens, and accepts nothing: all descriptors are the router's.
      let (_, port) = listening()
      let attacked = Tunnel(loop, to: port)
      let echo = EchoServer(loop: loop)
      let other = Tunnel(loop, to: echo.port)

      let crowd = (0..<2000).map { _ in attacked.connect() }
      #expect(loop.turn(seconds: 60) { crowd.allSatisfy { $0.status != nil } })
      #expect(crowd.count { $0.status == .connected } == limits.tunnel)
      // The agent sends these to the origin.
      #expect(crowd.count { $0.status == .exhausted } == 2000 - limits.tunnel)

      let requests = (0..<100).map { _ in clinux_eventfd() }
      #expect(requests.allSatisfy { $0 >= 0 })
      for fd in requests where fd >= 0 { clinux_close(fd) }
      let another = other.connect()
      #expect(loop.turn { another.status != nil })
      #expect(another.status == .connected)

      for connection in crowd { connection.abort() }
      #expect(loop.turn { loop.connections.open == 1 })
      #expect(attacked.endpoint.router.open[80] == 0 && attacked.endpoint.router.cut() == 0)
      let late = attacked.connect()
      #expect(loop.turn { late.status != nil })
      #expect(late.status == .connected, "there is room again")
    }
  }

  @Test("Dials the host's target, and the one in a shell, to see if it listens")
  func probes() {
    let loop = EventLoop()!
    let echo = EchoServer(loop: loop)
    let tunnel = Tunnel(loop, to: echo.port)
    let router = tunnel.endpoint.router
    func probe(_ port: UInt16) -> StreamStatus? {
      var status: StreamStatus?
      router.probe(port) { status = $0 }
      loop.turn { status != nil }
      return status
    }
    #expect(probe(80) == .connected && probe(81) == .notServed)
    router.setTarget(loopback(freePort()), for: 81)
    #expect(probe(81) == .refused)
    router.makeSocket = { $0(-1) }
    #expect(probe(80) == .refused, "the shell does not run yet")
    router.makeSocket = { $0(socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)) }
    #expect(probe(80) == .connected && probe(81) == .refused)
    tunnel.near.close()
    tunnel.agent.close()
    echo.close()
    loop.turn(maximumWait: 5)
  }

  @Test("Forgets connections that have ended, in any order")
  func ends() {
    let loop = EventLoop()!
    let echo = EchoServer(loop: loop)
    let tunnel = Tunnel(loop, to: echo.port)
    var open = (0..<50).map { _ in tunnel.connect() }
    #expect(loop.turn { open.allSatisfy { $0.status == .connected } })
    var generator = SeededGenerator(seed: 7)
    open.shuffle(using: &generator)
    for connection in open.prefix(30) { connection.abort() }
    #expect(loop.turn { tunnel.endpoint.router.open[80] == 20 && tunnel.endpoint.connections.open == 20 })
    #expect(tunnel.endpoint.router.cut() == 20)
    #expect(tunnel.endpoint.router.open[80] == 0 && tunnel.endpoint.connections.open == 0)
    tunnel.near.close()
    tunnel.agent.close()
    echo.close()
    // The far ends see that their connections are gone, and close theirs.
    loop.turn(maximumWait: 5)
  }
}
