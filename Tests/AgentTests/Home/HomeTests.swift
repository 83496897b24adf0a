import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// A process on the host that is started and stopped on the same port.
private final class HostService {
  private final class Port: Listener {
    var connections: [TestClient] = []
    override func accepted(_ connection: Int32, peer: clinux_address) {
      connections.append(TestClient(loop: loop, fd: connection))
    }
  }

  let port = freePort()
  private let loop: EventLoop
  private var listener: Port?
  /// The connections since the last start.
  var connections: [TestClient] { listener?.connections ?? [] }
  /// Those with bytes, which a probe has not.
  var used: [TestClient] { connections.filter { !$0.received.isEmpty } }

  init(loop: EventLoop) { self.loop = loop }

  func start() {
    var address = loopback(port)
    let fd = clinux_tcp_listen(&address, 16)
    precondition(fd >= 0)
    listener = Port(loop: loop, fd: fd)
    listener?.start()
  }

  func stop() {
    for connection in connections { connection.close() }
    listener?.close()
    listener = nil
  }
}

/// An intercept whose host does not listen yet, and an origin that does not speak first.
private final class HomeScene {
  let scene = AgentScene()
  let host: HostService
  var loop: EventLoop { scene.loop }
  var port: UInt16 { scene.origin.port }

  /// - Parameter homeAfter: ms.
  init(homeAfter: UInt64 = 0, turns: Bool = true) {
    host = HostService(loop: scene.loop)
    scene.origin.greeting = ""
    attach(homeAfter: homeAfter, turns: turns)
  }

  deinit { host.stop() }

  func attach(homeAfter: UInt64 = 0, turns: Bool = true) {
    scene.attach()
    scene.session?.router = ToHost(host.port)
    if turns { turn(homeAfter: homeAfter) }
  }

  func turn(homeAfter: UInt64 = 0) {
    #expect(scene.ask(ControlMessage(.turnToHost, port: port, second: homeAfter)) != nil)
  }

  /// The connection of the origin that a client got, once the origin has `text`.
  func origin(with text: [UInt8]) throws -> TestClient {
    loop.turn { self.scene.origin.connections.contains { $0.received == text } }
    return try #require(scene.origin.connections.last { $0.received == text })
  }

  func reasons() -> [Int]? { scene.ask(ControlMessage(.onOrigin, port: port))?.onOrigin }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct HomeTests {
  private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + http2Frame(4)
  private let goAway = http2Frame(7, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])

  /// The frames of an HTTP/2 server's bytes.
  private func frames(_ bytes: [UInt8]) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(3))
      let size = 9 + Int(head[0]) << 16 + Int(head[1]) << 8 + Int(head[2])
      frames.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return rest.isEmpty ? frames : frames + [Array(rest)]
  }

  @Test("A client of HTTP/2 is asked to connect again, and keeps its stream to the end", arguments: [1, 11, 100_000])
  func http2(step: Int) throws {
    let home = HomeScene()
    let client = home.scene.client()
    let request = preface + http2Frame(1, flags: 5, stream: 1, [1, 2, 3])
    client.send(request)
    let origin = try home.origin(with: request)
    let answer =
      http2Frame(4) + http2Frame(1, stream: 1, [7]) + http2Frame(9, flags: 4, stream: 1, [8, 9])
      + http2Frame(0, stream: 1, [UInt8](repeating: 5, count: 40))
    // The host returns in the middle of the header block.
    let before = 9 + 9 + 1 + 4
    origin.send(Array(answer[..<before]))
    #expect(home.loop.turn { client.received.count == before })
    home.host.start()
    #expect(home.loop.turn { home.scene.told.contains(ControlMessage(.hostAnswers, port: home.port)) })
    home.scene.wait(milliseconds: 20)
    #expect(client.received.count == before, "not within a header block")
    for start in stride(from: before, to: answer.count, by: step) {
      origin.send(Array(answer[start..<min(start + step, answer.count)]))
      home.loop.turn(maximumWait: 1)
    }
    #expect(home.loop.turn { client.received.count == answer.count + goAway.count })
    #expect(frames(client.received) == frames(answer)[..<3] + [goAway] + frames(answer)[3...])
    home.scene.wait(milliseconds: 1300)
    #expect(!client.sawEnd, "its stream is still open")

    // The next connection goes to the host.
    let next = home.scene.client()
    next.send(preface)
    #expect(home.loop.turn { home.host.used.first?.received == preface })

    let rest = http2Frame(0, flags: 1, stream: 1, [6, 6])
    origin.send(rest)
    #expect(home.loop.turn { client.sawEnd })
    let last = http2Frame(7, [0, 0, 0, 1, 0, 0, 0, 0])
    #expect(frames(client.received).suffix(2) == [rest, last] && !client.sawReset)
    #expect(home.loop.turn { origin.sawEnd })
    #expect(home.reasons() == [0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("An idle client of HTTP/2 is asked to go within a second, and its connection ends a second later")
  func idleHTTP2() throws {
    let home = HomeScene()
    let client = home.scene.client()
    client.send(preface)
    let origin = try home.origin(with: preface)
    origin.send(http2Frame(4))
    #expect(home.loop.turn { client.received.count == 9 })
    #expect(home.reasons() == [0, 1, 0, 0, 0, 0, 0, 0], "the host has refused it")
    home.host.start()
    let began = home.loop.now
    #expect(home.loop.turn { client.received.count == 9 + goAway.count })
    #expect(home.loop.now - began < 1_000_000)
    #expect(home.loop.turn { client.sawEnd } && !client.sawReset)
    #expect(client.received == http2Frame(4) + goAway + http2Frame(7, [0, 0, 0, 0, 0, 0, 0, 0]))
    // The probe ended without a reset.
    #expect(home.host.connections.count == 1)
    #expect(home.loop.turn { home.host.connections[0].sawEnd } && !home.host.connections[0].sawReset)
  }

  @Test("A server of HTTP/2 may speak before its client; another protocol's then stays")
  func serverFirst() throws {
    for isHTTP2 in [true, false] {
      let home = HomeScene()
      let count = home.scene.origin.connections.count
      let client = home.scene.client()
      #expect(home.loop.turn { home.scene.origin.connections.count > count })
      let origin = try #require(home.scene.origin.connections.last)
      origin.send(http2Frame(4))
      #expect(home.loop.turn { client.received.count == 9 })
      client.send(isHTTP2 ? preface : Array("GET / HTTP/1.1\r\n\r\n".utf8))
      #expect(home.loop.turn { origin.received.count > 9 })
      home.host.start()
      if isHTTP2 {
        #expect(home.loop.turn { client.sawEnd } && client.received.count == 9 + 2 * goAway.count)
      } else {
        home.scene.wait(milliseconds: 700)
        #expect(home.host.connections.isEmpty && client.received.count == 9)
      }
    }
  }

  @Test("The next request of HTTP/1.1 goes to the host, by the same connection of the client")
  func http1() throws {
    let home = HomeScene()
    let client = home.scene.client()
    let request = Array("GET / HTTP/1.1\r\nHost: user\r\n\r\n".utf8)
    client.send(request)
    let origin = try home.origin(with: request)
    origin.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nori")
    home.host.start()
    #expect(home.loop.turn { home.scene.told.contains(ControlMessage(.hostAnswers, port: home.port)) })
    client.send(request)
    #expect(home.loop.turn { origin.received == request + request }, "the answer to the first is not whole")
    origin.send("gin")
    origin.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    #expect(home.loop.turn { client.text.hasSuffix("ok") })
    client.send(request)
    #expect(home.loop.turn { home.host.used.first?.received == request })
    #expect(home.loop.turn { origin.sawEnd } && origin.received == request + request)
    home.host.used[0].send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhost")
    #expect(home.loop.turn { client.text.hasSuffix("host") })
    #expect(!client.sawEnd && !client.sawReset)
    let counters = home.scene.ask(ControlMessage(.counters, port: home.port))
    #expect(counters?.first == 1 && counters?.second == 0)

    // Back, by another connection of the client's, and home again.
    home.host.stop()
    #expect(home.loop.turn { client.sawEnd || client.sawReset })
  }

  @Test("A connection without a byte so far comes home with its first one")
  func unused() throws {
    let home = HomeScene()
    let count = home.scene.origin.connections.count
    let client = home.scene.client()
    #expect(home.loop.turn { home.scene.origin.connections.count > count })
    let origin = try #require(home.scene.origin.connections.last)
    home.host.start()
    #expect(home.loop.turn { home.scene.told.contains(ControlMessage(.hostAnswers, port: home.port)) })
    client.send("anything")
    #expect(home.loop.turn { home.host.used.first?.text == "anything" })
    #expect(home.loop.turn { origin.sawEnd } && origin.received.isEmpty)
  }

  @Test("A connection that cannot come home stays, unless the user has set a time")
  func opaque() throws {
    for homeAfter in [0, 600] as [UInt64] {
      let home = HomeScene(homeAfter: homeAfter)
      let client = home.scene.client()
      client.send("\u{1}binary")
      let origin = try home.origin(with: Array("\u{1}binary".utf8))
      origin.send("welcome")
      #expect(home.loop.turn { client.text == "welcome" })
      home.host.start()
      if homeAfter == 0 {
        // Nothing waits for the host: it is not probed. A new connection shows that it answers.
        home.scene.wait(milliseconds: 600)
        #expect(home.host.connections.isEmpty)
        home.scene.client().send("x")
      }
      #expect(home.loop.turn { home.scene.told.contains(ControlMessage(.hostAnswers, port: home.port)) })
      let began = home.loop.now
      #expect(home.loop.turn(times: 300) { client.sawEnd } == (homeAfter > 0))
      if homeAfter > 0 { #expect(home.loop.now - began >= 590_000 && !client.sawReset) }
      if homeAfter == 0 { #expect(home.reasons() == [0, 1, 0, 0, 0, 0, 0, 0]) }
    }
  }

  @Test("A stream that lasts is cut once the user's time is over, with the last stream's number")
  func lastingStream() throws {
    let home = HomeScene(homeAfter: 500)
    let client = home.scene.client()
    let request = preface + http2Frame(1, flags: 4, stream: 5, [1])
    client.send(request)
    let origin = try home.origin(with: request)
    origin.send(http2Frame(4))
    home.host.start()
    #expect(home.loop.turn { client.sawEnd })
    #expect(client.received == http2Frame(4) + goAway + http2Frame(7, [0, 0, 0, 5, 0, 0, 0, 0]))
  }

  @Test("Connections that came without a session, or before the turn, come home after the next turn")
  func sessionReturns() throws {
    let home = HomeScene(turns: false)
    home.host.start()
    func connect() throws -> TestClient {
      let client = home.scene.client()
      client.send(preface)
      let count = home.scene.origin.connections.count
      #expect(home.loop.turn { home.scene.origin.connections.count > count })
      home.scene.origin.connections.last?.send(http2Frame(4))
      #expect(home.loop.turn { client.received.count == 9 })
      return client
    }
    let early = try connect()
    home.turn()
    #expect(home.loop.turn { early.sawEnd } && early.received.count == 9 + 2 * goAway.count)

    home.scene.session?.close()
    #expect(home.loop.turn { home.scene.agent.session == nil })
    let late = try connect()
    home.attach(turns: false)
    #expect(home.reasons() == [0, 0, 0, 0, 1, 0, 0, 0])
    home.scene.wait(milliseconds: 400)
    #expect(late.received.count == 9)
    home.turn()
    #expect(home.loop.turn { late.sawEnd } && late.received.count == 9 + 2 * goAway.count)
  }

  @Test("Nothing comes home to a host that has left")
  func turnedBack() throws {
    let home = HomeScene()
    let client = home.scene.client()
    let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
    client.send(request)
    let origin = try home.origin(with: request)
    origin.send("HTTP/1.1 204 No Content\r\n\r\n")
    home.host.start()
    #expect(home.loop.turn { home.scene.told.contains(ControlMessage(.hostAnswers, port: home.port)) })
    #expect(home.scene.ask(ControlMessage(.turnToOrigin, port: home.port)) != nil)
    client.send(request)
    #expect(home.loop.turn { origin.received == request + request })
    #expect(home.host.used.isEmpty)
  }

  @Test("The host is probed four times a second, and no more often than it answers")
  func probes() throws {
    let home = HomeScene()
    home.scene.session?.router = Silent()
    let client = home.scene.client()
    client.send(preface)
    _ = try home.origin(with: preface)
    let silent = try #require(home.scene.session?.router as? Silent)
    let first = silent.count
    home.scene.wait(milliseconds: 1500)
    #expect(silent.count - first == 1, "the first probe has two seconds")
    home.scene.session?.router = ToHost(home.host.port)
    home.scene.wait(milliseconds: 1200)
    home.host.start()
    let began = home.loop.now
    #expect(home.loop.turn { home.scene.told.contains(ControlMessage(.hostAnswers, port: home.port)) })
    #expect(home.loop.now - began < 500_000)
  }

  @Test("Clients on the origin are asked to go when the agent ends")
  func agentEnds() throws {
    let home = HomeScene(turns: false)
    let http2 = home.scene.client()
    http2.send(preface)
    try home.origin(with: preface).send(http2Frame(4))
    let http1 = home.scene.client()
    let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
    http1.send(request)
    let origin = try home.origin(with: request)
    #expect(home.loop.turn { http2.received.count == 9 })
    home.scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    home.scene.agent.terminate()
    #expect(home.loop.turn { http2.received.count == 9 + goAway.count })
    home.scene.wait(milliseconds: 100)
    #expect(!http1.sawEnd)
    origin.send("HTTP/1.1 204 No Content\r\n\r\n")
    #expect(home.loop.turn(seconds: 5) { http1.sawEnd } && http1.text.contains("204") && !http1.sawReset)
    #expect(home.loop.turn { http2.sawEnd })
  }
}

/// Takes streams, counts them, and never answers.
private final class Silent: StreamRouter {
  var count = 0
  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    count += 1
    return StreamEnd(session: session, slot: slot)
  }
}
