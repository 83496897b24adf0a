import CLinux
import TestSupport
import TunnelProtocol

@testable import Agent
@testable import Relay

/// An agent, its cluster DNS, one origin "Pod" on 127.0.0.2, and a daemon's session, in one loop.
final class AgentScene {
  let loop = EventLoop()!
  let nameserver: FakeNameserver
  let origin: OriginPod
  var agent: AgentServer!
  var session: Session?
  var control: ControlEnd?
  var told: [ControlMessage] = []
  var events: [SessionEvent] = []
  let hostServer: TestServer
  let token = [UInt8](repeating: 7, count: 32)

  init(
    neverReady: Bool = false, originAnswers: Bool = true, originLimit: UInt64 = 8_000_000, limits: InboundLimits? = nil,
    acknowledgeLimit: UInt64 = 200_000, ports: [UInt16] = [], isGated: Bool = false,
    _ change: (inout AgentConfiguration) -> Void = { _ in }
  ) {
    nameserver = FakeNameserver(loop: loop)
    hostServer = TestServer(loop: loop)
    origin = OriginPod(loop: loop)
    nameserver.table["origin.ns"] = originAnswers ? [[127, 0, 0, 2], [127, 0, 0, 3]] : []
    nameserver.table["agents.ns"] = [[127, 0, 0, 3]]
    var configuration = AgentConfiguration()
    configuration.controlPort = freePort()
    configuration.ports = [isGated ? freePort() : origin.port] + ports
    if isGated { configuration.gates = [configuration.ports[0], origin.port] }
    configuration.originName = Array("origin.ns".utf8)
    configuration.agentsName = Array("agents.ns".utf8)
    configuration.nameservers = [nameserver.address]
    configuration.token = token
    configuration.listenAddress = loopback()
    configuration.neverReady = neverReady
    configuration.lingerTime = 200_000
    configuration.originLimit = originLimit
    configuration.acknowledgeLimit = acknowledgeLimit
    if let limits { configuration.inboundLimits = limits }
    change(&configuration)
    agent = AgentServer(loop: loop, configuration: configuration)
    if originAnswers { loop.turn { self.agent.origin.answers } }
  }

  deinit {
    session?.close()
    agent.close()
    nameserver.close()
    hostServer.close()
    origin.close()
    // The far ends of what was closed see it, and close theirs.
    for _ in 0..<4 { loop.turn(maximumWait: 1) }
  }

  /// - Parameter holder: nil: as the daemon has it, 0 for an agent of one installation alone.
  func attach(holder: UInt64? = nil, token: [UInt8]? = nil) {
    let holder = holder ?? (agent.configuration.neverReady ? 0 : 1)
    var address = loopback(agent.boundControlPort)
    let carrier = SocketCarrier(loop: loop, fd: clinux_tcp_connect(&address))
    let session = Session(
      loop: loop, carrier: carrier, hello: Hello(holder: holder, token: token ?? self.token),
      pool: WindowPool())
    session.router = ToHost(hostServer.port)
    session.onEvent = { [weak self] in self?.events.append($0) }
    session.start()
    self.session = session
    guard loop.turn(until: { session.isOpen || session.isClosed }), session.isOpen else { return }
    control =
      session.open { [weak self] in ControlEnd(session: session, slot: $0, opening: true) { self?.told.append($0) } }
      as? ControlEnd
  }

  func ask(_ message: ControlMessage) -> ControlMessage? {
    told = []
    control?.send(message)
    loop.turn { !self.told.isEmpty }
    return told.first
  }

  /// A client of the Service, from inside the cluster.
  func client() -> TestClient { TestClient(loop: loop, port: agent.boundPorts[0]) }

  func wait(milliseconds: UInt64) {
    let end = loop.now + milliseconds * 1000
    loop.turn { self.loop.now >= end }
  }

  var isReady: Bool {
    var ready: Bool?
    var address = loopback(agent.boundControlPort)
    let client = TestClient(loop: loop, fd: clinux_tcp_connect(&address))
    client.send([0x44, 0x54, 0x52, 0x51])
    loop.turn {
      if let byte = client.received.first { ready = byte == 1 }
      return ready != nil
    }
    client.close()
    return ready ?? false
  }
}

/// One of several people: a daemon's session with a scene's agent, and a host of its own.
final class Person {
  let scene: AgentScene
  let host: TestServer
  let session: Session
  private(set) var told: [ControlMessage] = []
  private(set) var refusal: HelloReply.Verdict?
  private var control: ControlEnd?

  init(_ scene: AgentScene, _ holder: UInt64) {
    self.scene = scene
    host = TestServer(loop: scene.loop)
    var address = loopback(scene.agent.boundControlPort)
    let carrier = SocketCarrier(loop: scene.loop, fd: clinux_tcp_connect(&address))
    let session = Session(
      loop: scene.loop, carrier: carrier, hello: Hello(holder: holder, token: scene.token), pool: WindowPool())
    self.session = session
    session.router = ToHost(host.port)
    session.onEvent = { [weak self] in if case .refused(let verdict, _) = $0 { self?.refusal = verdict } }
    session.start()
    guard scene.loop.turn(until: { session.isOpen || session.isClosed }), session.isOpen else { return }
    control =
      session.open { [weak self] in ControlEnd(session: session, slot: $0, opening: true) { self?.told.append($0) } }
      as? ControlEnd
  }

  deinit {
    session.close()
    host.close()
  }

  var isOpen: Bool { session.isOpen && !session.isClosed }

  /// Returns the agent's answer; nil without one.
  func ask(_ message: ControlMessage) -> ControlMessage? {
    told.removeAll { $0.kind == message.kind && $0.port == message.port }
    control?.send(message)
    var answer: ControlMessage?
    scene.loop.turn {
      answer = self.told.first { $0.kind == message.kind && $0.port == message.port }
      return answer != nil
    }
    return answer
  }

  /// Turns a port; returns true if the agent has done it.
  func turn(_ port: UInt16, count: UInt64) -> Bool {
    ask(ControlMessage(.turnToHost, port: port, first: count))?.flag == 0
  }

  /// True if a new connection to the agent's port arrives at this person's host. It stays open.
  func gets(_ port: UInt16) -> Bool {
    let before = host.connections.count
    let client = TestClient(loop: scene.loop, port: port)
    client.send("x")
    return scene.loop.turn(times: 100) { self.host.connections.count > before }
  }
}

extension AgentServer {
  /// The newest session.
  var session: Session? { sessions.last?.session }
}

/// Routes inbound streams to the host's server, as the daemon does.
final class ToHost: StreamRouter {
  let port: UInt16
  init(_ port: UInt16) { self.port = port }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    end.connect(to: loopback(port))
    return end
  }
}

/// The origin on 127.0.0.2: greets, and echoes nothing.
final class OriginPod: Listener {
  var connections: [TestClient] = []
  var reads = true
  /// The first bytes that it sends.
  var greeting = "origin"
  let port: UInt16

  init(loop: EventLoop) {
    var address = loopback()
    clinux_parse_address("127.0.0.2", &address)
    // The same port must be free on every address, since the agent listens on all of them.
    address.port = freePort()
    let fd = clinux_tcp_listen(&address, 16)
    precondition(fd >= 0)
    port = address.port
    super.init(loop: loop, fd: fd)
    start()
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    let client = TestClient(loop: loop, fd: connection)
    client.isReading = reads
    connections.append(client)
    client.send(greeting)
  }
}

/// Routes the first stream to the host's server, and never answers the others.
final class FirstAlone: StreamRouter {
  private let first: ToHost
  private var isFirst = true

  init(_ port: UInt16) { first = ToHost(port) }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    defer { isFirst = false }
    return isFirst ? first.route(preamble, slot: slot, session: session) : StreamEnd(session: session, slot: slot)
  }
}

/// Takes streams and never answers.
final class Never: StreamRouter {
  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    StreamEnd(session: session, slot: slot)
  }
}
