import CLinux
import Testing
import TestSupport
import TunnelProtocol

@testable import Agent
@testable import Relay

/// An agent, its cluster DNS, one origin "Pod" on 127.0.0.2, and a daemon's session, in one loop.
private final class Scene {
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
    acknowledgeLimit: UInt64 = 200_000
  ) {
    nameserver = FakeNameserver(loop: loop)
    hostServer = TestServer(loop: loop)
    origin = OriginPod(loop: loop)
    nameserver.table["origin.ns"] = originAnswers ? [[127, 0, 0, 2], [127, 0, 0, 3]] : []
    nameserver.table["agents.ns"] = [[127, 0, 0, 3]]
    var configuration = AgentConfiguration()
    configuration.controlPort = freePort()
    configuration.ports = [origin.port]
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

  /// - Parameter transitions: nil: as the daemon has it, 0 where there is no Lease.
  func attach(transitions: UInt64? = nil, token: [UInt8]? = nil) {
    let transitions = transitions ?? (agent.configuration.neverReady ? 0 : 1)
    var address = loopback(agent.boundControlPort)
    let carrier = SocketCarrier(loop: loop, fd: clinux_tcp_connect(&address))
    let session = Session(
      loop: loop, carrier: carrier, hello: Hello(transitions: transitions, token: token ?? self.token),
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
      if let byte = client.received.first { ready = byte == 1 }; return ready != nil
    }
    client.close()
    return ready ?? false
  }
}

/// Routes inbound streams to the host's server, as the daemon does.
private final class ToHost: StreamRouter {
  let port: UInt16
  init(_ port: UInt16) { self.port = port }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    end.connect(to: loopback(port))
    return end
  }
}

/// The origin on 127.0.0.2: greets with "origin" and echoes nothing.
private final class OriginPod: Listener {
  var connections: [TestClient] = []
  var reads = true
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
    client.send("origin")
  }
}

@Suite(.serialized) struct AgentServerTests {
  @Test func withoutASessionTheOriginAnswers() {
    let scene = Scene()
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.isReady)
  }

  /// A rollout: the Pods are gone, and cluster DNS lists the new ones only seconds later.
  @Test func clientsWaitForNewPodsOfTheOrigin() {
    let scene = Scene()
    let port = scene.origin.port
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 4], [127, 0, 0, 5]]
    scene.loop.turn { scene.agent.origin.addresses.first?.byteArray == [127, 0, 0, 4] }
    let client = scene.client()
    scene.wait(milliseconds: 700)
    #expect(client.text == "" && !client.sawReset && !client.sawEnd)
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 4], [127, 0, 0, 2]]
    #expect(scene.loop.turn { client.text == "origin" })
    // A Pod that does not answer is not asked first any more.
    let begin = scene.loop.now
    for _ in 0..<4 {
      let next = scene.client()
      #expect(scene.loop.turn { next.text == "origin" })
    }
    #expect(scene.loop.now - begin < 1_000_000 && scene.origin.port == port)
  }

  @Test func clientsDoNotWaitForEver() {
    let scene = Scene(originLimit: 600_000)
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 4]]
    scene.loop.turn { scene.agent.origin.addresses.first?.byteArray == [127, 0, 0, 4] }
    let client = scene.client()
    let begin = scene.loop.now
    #expect(scene.loop.turn { client.sawReset || client.sawEnd })
    #expect(scene.loop.now - begin >= 500_000)
  }

  @Test func turnsToTheHostAndBack() {
    let scene = Scene()
    scene.attach()
    #expect(scene.session?.isOpen == true)
    scene.hostServer.onAccept = { $0.send("host") }
    let port = scene.origin.port
    #expect(scene.ask(ControlMessage(.turnToHost, port: port))?.kind == .turnToHost)
    let first = scene.client()
    #expect(scene.loop.turn { first.text == "host" })
    #expect(scene.ask(ControlMessage(.turnToOrigin, port: port))?.kind == .turnToOrigin)
    let second = scene.client()
    #expect(scene.loop.turn { second.text == "origin" })
    // The first connection goes on where it was.
    scene.hostServer.connections[0].send(", still")
    #expect(scene.loop.turn { first.text == "host, still" })
    let counters = scene.ask(ControlMessage(.counters, port: port))
    #expect(counters?.first == 1 && counters?.second == 1)
  }

  @Test func aRefusalByTheHostFallsBackWithItsBytes() {
    let scene = Scene()
    scene.attach()
    scene.hostServer.close()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    let client = scene.client()
    client.send("GET / HTTP/1.1")
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.loop.turn { scene.origin.connections.last?.text == "GET / HTTP/1.1" })
    #expect(scene.told.contains { $0.kind == .fellBack && $0.flag == StreamStatus.refused.rawValue })
  }

  @Test func aRefusalIsPassedOnWhenAskedFor() {
    let scene = Scene()
    scene.attach()
    scene.hostServer.close()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port, flag: 1))
    let client = scene.client()
    #expect(scene.loop.turn { client.sawReset })
  }

  @Test func aSessionThatDiesLeavesTheOrigin() {
    let scene = Scene()
    scene.attach()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.session?.close()
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.isReady)
  }

  @Test func aHostThatDoesNotAcknowledgeLosesTheConnectionToTheOrigin() {
    let scene = Scene()
    scene.attach()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.session?.router = Never()
    let client = scene.client()
    client.send("hello")
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.origin.connections.last?.text == "hello")
    #expect(scene.told.contains { $0.kind == .fellBack && $0.flag == StreamStatus.timedOut.rawValue })
  }

  @Test func aWrongTokenIsRefused() {
    let scene = Scene()
    scene.attach(token: [UInt8](repeating: 8, count: 32))
    #expect(scene.events == [.refused(.wrongToken, version: Hello.version)])
  }

  @Test func theLaterHolderTakesOverForGood() {
    let scene = Scene()
    scene.attach(transitions: 1)
    let first = scene.session!
    scene.attach(transitions: 2)
    #expect(scene.session?.isOpen == true)
    #expect(scene.loop.turn { first.isClosed })
    scene.events = []
    scene.attach(transitions: 1)
    #expect(scene.events == [.refused(.superseded, version: Hello.version)])
  }

  @Test func garbageOnTheControlPortChangesNothing() {
    let scene = Scene()
    for text in ["GET / HTTP/1.1\r\n\r\n", "D", String(repeating: "x", count: 100_000)] {
      var address = loopback(scene.agent.boundControlPort)
      let client = TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address))
      client.send(text)
      if text.count > 1 { #expect(scene.loop.turn { client.sawEnd || client.sawReset }) }
      client.close()
    }
    scene.attach()
    #expect(scene.session?.isOpen == true)
  }

  @Test func silentConnectionsToTheControlPortAreInNobodysWay() {
    let scene = Scene()
    var address = loopback(scene.agent.boundControlPort)
    var silent: [TestClient] = []
    let most = SessionListener.maximumGreeters
    for count in 1...(most + 40) {
      silent.append(TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address)))
      guard count > most else { continue }
      // The oldest goes for each that comes.
      #expect(scene.loop.turn { silent.prefix(count - most).allSatisfy { $0.sawEnd || $0.sawReset } })
    }
    #expect(scene.isReady)
    scene.attach()
    #expect(scene.session?.isOpen == true)
    #expect(scene.isReady)
    for client in silent { client.close() }
    scene.wait(milliseconds: 20)
  }

  /// A process in the Pod, or whoever may port-forward, opens connections without end.
  @Test func whoHasBegunAHelloGoesAfterThoseWhoSayNothing() {
    let scene = Scene()
    var address = loopback(scene.agent.boundControlPort)
    let hello = Hello(transitions: 1, token: scene.token)
    var bytes = [UInt8](repeating: 0, count: Hello.size)
    bytes.withUnsafeMutableBytes { hello.write(to: $0.baseAddress!) }
    let slow = TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address))
    slow.send(Array(bytes.prefix(40)))
    scene.wait(milliseconds: 20)
    var silent: [TestClient] = []
    for _ in 0..<(SessionListener.maximumGreeters * 2) {
      silent.append(TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address)))
      scene.loop.turn(maximumWait: 1)
    }
    #expect(scene.loop.turn { silent.prefix(SessionListener.maximumGreeters).allSatisfy { $0.sawEnd || $0.sawReset } })
    #expect(!slow.sawEnd && !slow.sawReset)
    slow.send(Array(bytes.suffix(8)))
    #expect(scene.loop.turn { slow.received.count >= HelloReply.size && scene.agent.session != nil })
    for client in silent + [slow] { client.close() }
    scene.wait(milliseconds: 20)
  }

  @Test func aHugeCountDoesNotKeepLaterHoldersOut() {
    let scene = Scene()
    let tooHigh: [UInt64] = [.max, .max - 1, 1 << 31, 1 << 63]
    for transitions in tooHigh {
      scene.events = []
      scene.attach(transitions: transitions)
      #expect(scene.events == [.refused(.superseded, version: Hello.version)], "no Lease holds \(transitions)")
    }
    scene.attach(transitions: 500)
    #expect(scene.session?.isOpen == true)
    scene.attach(transitions: 2_147_483_647)
    #expect(scene.session?.isOpen == false, "nor does it change hands so often in between")
    scene.attach(transitions: 501)
    #expect(scene.session?.isOpen == true)
  }

  @Test func anAgentWithoutALeaseKnowsNoCount() {
    let scene = Scene(neverReady: true)
    scene.attach(transitions: 1)
    #expect(scene.session?.isOpen == false)
    scene.attach(transitions: 0)
    #expect(scene.session?.isOpen == true)
  }

  @Test func moreConnectionsThanItsMemoryAllowsAreReset() {
    let scene = Scene(limits: InboundLimits(connections: 8, bytes: 1 << 20))
    let clients = (0..<12).map { _ in scene.client() }
    #expect(
      scene.loop.turn { clients.count { $0.text == "origin" } == 8 && clients.count { $0.sawReset || $0.sawEnd } == 4 })
    #expect(scene.agent.connections == 8)
    for client in clients.prefix(3) { client.close() }
    for client in scene.origin.connections where client.sawEnd { client.close() }
    #expect(
      scene.loop.turn {
        for client in scene.origin.connections where client.sawEnd { client.close() }
        return scene.agent.connections <= 8 - 1
      })
    let late = scene.client()
    #expect(scene.loop.turn { late.text == "origin" }, "there is room again")
    for client in clients + [late] { client.close() }
  }

  /// The first bytes of a connection are kept until the host has answered, 64 KiB and more of each client.
  @Test("Clients that send before the host answers lose their connections before one that reads slowly does")
  func keptBytesCountAsWaiting() throws {
    let limit = 1 << 20
    let scene = Scene(limits: InboundLimits(connections: 64, bytes: limit), acknowledgeLimit: 60_000_000)
    scene.attach()
    scene.session?.router = FirstAlone(scene.hostServer.port)
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    let reader = scene.client()
    reader.send("x")
    #expect(scene.loop.turn { scene.hostServer.connections.first?.text == "x" })
    let host = try #require(scene.hostServer.connections.first)
    let crowd = (0..<32).map { _ in scene.client() }
    for client in crowd { client.send([UInt8](repeating: 7, count: 256 << 10)) }
    #expect(scene.loop.turn { scene.loop.blocks.isFull })
    #expect(!crowd.contains { $0.sawReset })
    // The kernel's buffers fill first. Small pieces: the reader never holds as much as one of the crowd.
    reader.isReading = false
    var sent = 0
    while !crowd.contains(where: \.sawReset), !host.sawReset, !host.sawEnd, sent < 64 << 20 {
      host.send([UInt8](repeating: 8, count: 16 << 10))
      sent += 16 << 10
      for _ in 0..<4 { scene.loop.turn(maximumWait: 1) }
    }
    #expect(crowd.contains { $0.sawReset } && !host.sawReset && !host.sawEnd)
    reader.isReading = true
    #expect(scene.loop.turn(seconds: 20) { reader.received.count == sent })
    #expect(!reader.sawReset)
    #expect(scene.loop.blocks.held <= limit + Session.maximumFrame)
    for client in crowd + [reader] { client.close() }
  }

  @Test("Bytes on their path back to the origin count as waiting until it takes them", arguments: [true, false])
  func backlogCountsAsWaiting(isShed: Bool) {
    let scene = Scene()
    scene.attach()
    let before = scene.client()
    #expect(scene.loop.turn { before.text == "origin" }, "a port that has served is tried for a while")
    // Nobody listens there.
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 9]]
    #expect(scene.loop.turn { !scene.agent.origin.answers })
    scene.session?.router = Never()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.told = []
    let clients = (0..<8).map { _ in scene.client() }
    for client in clients { client.send([UInt8](repeating: 7, count: 1_000)) }
    #expect(scene.loop.turn { scene.told.count { $0.kind == .fellBack } == 8 })
    #expect(scene.loop.blocks.held == 8_000)
    if isShed {
      scene.loop.blocks.limit = 3_500
      scene.loop.shedWhileFull()
      #expect(scene.loop.blocks.held == 3_000)
      #expect(scene.loop.turn { clients.count { $0.sawReset } == 5 })
      scene.loop.blocks.limit = 1 << 20
    }
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 2]]
    #expect(scene.loop.turn { clients.allSatisfy { $0.text == "origin" || $0.sawReset } })
    #expect(scene.loop.turn { scene.loop.blocks.held == 0 })
    #expect(scene.loop.turn { scene.origin.connections.count { $0.received.count == 1_000 } == (isShed ? 3 : 8) })
    for client in clients + [before] { client.close() }
  }

  @Test func readyOnlyWithOriginOrAdmittedSession() {
    let scene = Scene(originAnswers: false)
    #expect(!scene.isReady)
    scene.attach()
    #expect(!scene.isReady, "what it would be sent now would be reset")
    _ = scene.ask(.admit)
    #expect(scene.isReady)
    _ = scene.ask(.retire)
    #expect(!scene.isReady)
  }

  /// Cluster DNS would keep "no such name" for the next agent.
  @Test func onceLeftItDoesNotAskForTheOrigin() {
    let scene = Scene()
    scene.attach()
    _ = scene.ask(.retire)
    let before = scene.nameserver.asked.count
    #expect(scene.loop.turn { scene.nameserver.asked.count > before })
    scene.wait(milliseconds: 100)
    #expect(!scene.nameserver.asked[before...].contains("origin.ns"))
  }

  @Test func aShellsAgentIsNeverReady() {
    let scene = Scene(neverReady: true)
    scene.attach()
    #expect(!scene.isReady)
  }

  @Test func probesTheOriginWithoutTheAgents() {
    let scene = Scene()
    scene.attach()
    let answer = scene.ask(ControlMessage(.probeOrigin, port: scene.origin.port))
    #expect(answer?.flag == StreamStatus.connected.rawValue && answer?.first == 1)
    let refused = scene.ask(ControlMessage(.probeOrigin, port: freePort()))
    #expect(refused?.flag == StreamStatus.refused.rawValue)
  }

  @Test func dialsIntoTheCluster() {
    let scene = Scene()
    scene.attach()
    let (listener, port) = listening()
    let client = TestClient(loop: scene.loop, port: port)
    var peer = clinux_address()
    var accepted: Int32 = -1
    scene.loop.turn {
      accepted = clinux_accept(listener, &peer); return accepted >= 0
    }
    clinux_close(listener)
    let session = scene.session!
    _ = session.open {
      OpenerEnd(
        session: session, slot: $0, fd: accepted,
        preamble: Preamble(.tcp, port: scene.origin.port, address: Array("origin.ns".utf8)))
    }
    #expect(scene.loop.turn { client.text == "origin" })
  }

  @Test func afterSIGTERMItGoesOnToTheOriginAndThenEnds() {
    let scene = Scene()
    scene.attach()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.agent.terminate()
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.told.contains { $0.kind == .terminating })
  }

  @Test func theOnlyAgentGoesOnAcceptingAfterSIGTERMUntilAnotherStands() {
    let scene = Scene()
    scene.agent.terminate()
    scene.wait(milliseconds: 700)
    #expect(scene.agent.isLingering)
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    #expect(scene.loop.turn { !scene.agent.isLingering })
    #expect(scene.agent.origin.agentCount == 2)
  }

  @Test func aRetiredAgentEndsAtOnce() {
    let scene = Scene()
    scene.attach()
    _ = scene.ask(.retire)
    scene.agent.terminate()
    scene.wait(milliseconds: 300)
    #expect(!scene.agent.isLingering)
  }

  /// A kube-proxy that lags.
  @Test func aRetiredAgentStaysWhileItIsSentConnections() {
    let scene = Scene()
    scene.attach()
    _ = scene.ask(.retire)
    scene.agent.terminate()
    for _ in 0..<6 {
      let client = scene.client()
      #expect(scene.loop.turn { client.text == "origin" })
      scene.wait(milliseconds: 100)
    }
    #expect(scene.agent.isLingering)
    scene.wait(milliseconds: 500)
    #expect(!scene.agent.isLingering)
  }

  @Test func theOriginIsReachedAfterItsServicesAreGone() {
    let scene = Scene()
    scene.nameserver.table = [:]
    #expect(scene.loop.turn { scene.agent.origin.agentsAreGone })
    let before = scene.client()
    #expect(scene.loop.turn { before.text == "origin" })
    scene.agent.terminate()
    let after = scene.client()
    #expect(scene.loop.turn { after.text == "origin" })
    // No client connects any more, and no Service has it as an endpoint.
    #expect(scene.loop.turn { !scene.agent.isLingering })
  }
}

/// Leads the first stream to the host's server, and never answers the others.
private final class FirstAlone: StreamRouter {
  private let first: ToHost
  private var isFirst = true

  init(_ port: UInt16) { first = ToHost(port) }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    defer { isFirst = false }
    return isFirst ? first.route(preamble, slot: slot, session: session) : StreamEnd(session: session, slot: slot)
  }
}

/// Takes streams and never answers.
private final class Never: StreamRouter {
  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    StreamEnd(session: session, slot: slot)
  }
}
