import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Relay

/// Two tunnels over socket pairs in one loop: what arrives by the first is joined to streams of the second, which end
/// at a port.
private final class Chain {
  let loop = EventLoop()!
  let first: (near: Session, far: Session)
  let second: (near: Session, far: Session)
  let joiner: Joiner
  let last: ToPort
  let server: TestServer
  private(set) var openers: [WatchedOpener] = []

  enum Behaviour { case serves, refuses, neverAnswers }

  init(_ behaviour: Behaviour = .serves) {
    server = TestServer(loop: loop)
    first = Self.tunnel(loop)
    second = Self.tunnel(loop)
    joiner = Joiner(second.near)
    last = ToPort(behaviour == .serves ? server.port : behaviour == .refuses ? freePort() : nil)
    first.far.router = joiner
    second.far.router = last
  }

  private static func tunnel(_ loop: EventLoop) -> (near: Session, far: Session) {
    var both: [Int32] = [0, 0]
    clinux_socketpair(&both)
    let near = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[0]), role: .client, pool: WindowPool())
    let far = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[1]), role: .server, pool: WindowPool())
    near.start()
    far.start()
    return (near, far)
  }

  deinit {
    for session in [first.near, first.far, second.near, second.far] { session.close() }
    server.close()
  }

  /// A client whose connection is the near end of a stream of the first tunnel.
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
    let end = first.near.open {
      WatchedOpener(session: self.first.near, slot: $0, fd: accepted, preamble: Preamble(.inbound, port: 8080))
    }
    openers.append(end as! WatchedOpener)
    return client
  }

  /// Nothing is left: no stream, no bytes.
  var isEmpty: Bool {
    [first.near, first.far, second.near, second.far].allSatisfy { $0.mux.streamCount == 0 } && loop.blocks.waiting == 0
  }
}

private final class WatchedOpener: OpenerEnd {
  private(set) var answers: [StreamStatus] = []
  override func answered(_ status: StreamStatus) {
    answers.append(status)
    super.answered(status)
  }
}

/// The daemon's part: it joins each arriving stream to the other tunnel.
private final class Joiner: StreamRouter {
  let way: Session
  private(set) var failures: [StreamStatus] = []
  private(set) var refusals: [StreamStatus] = []
  private(set) var open = 0
  init(_ way: Session) { self.way = way }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    open += 1
    let end = JoinedAcceptorEnd(session: session, slot: slot, preamble: preamble, router: self) {
      self.failures.append($0)
    }
    end.join(way, by: Preamble(.tcp, port: 80, address: [10, 0, 0, 1]))
    return end
  }

  override func refused(_ preamble: Preamble, _ status: StreamStatus) { refusals.append(status) }
  override func ended(_ end: StreamEnd, _ preamble: Preamble) { open -= 1 }
}

private final class ToPort: StreamRouter {
  let port: UInt16?
  private(set) var preambles: [Preamble] = []
  private var ends: [AcceptorEnd] = []
  init(_ port: UInt16?) { self.port = port }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    preambles.append(preamble)
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    if let port { end.connect(to: loopback(port)) }
    return end
  }
}

@Suite struct JoinedEndTests {
  @Test func carriesBothWaysAndHalfCloses() {
    let chain = Chain()
    let server = chain.server
    let client = chain.connect()
    let question = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    client.send(question)
    client.finish()
    #expect(chain.loop.turn { server.connections.first?.sawEnd == true })
    #expect(server.connections.first?.received == question)
    #expect(chain.last.preambles == [Preamble(.tcp, port: 80, address: [10, 0, 0, 1])])
    let answer = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 17) }
    server.connections[0].send(answer)
    server.connections[0].finish()
    #expect(chain.loop.turn { client.sawEnd })
    #expect(client.received == answer)
    #expect(chain.loop.turn { chain.isEmpty })
    #expect(chain.joiner.open == 0 && chain.joiner.failures.isEmpty)
  }

  @Test func theServerMaySpeakAndEndFirst() {
    let chain = Chain()
    let server = chain.server
    server.onAccept = {
      $0.send("hello")
      $0.finish()
    }
    let client = chain.connect()
    #expect(chain.loop.turn { client.sawEnd })
    #expect(client.text == "hello")
    client.send("and you?")
    client.finish()
    #expect(chain.loop.turn { server.connections[0].sawEnd })
    #expect(server.connections[0].text == "and you?")
    #expect(chain.loop.turn { chain.isEmpty })
  }

  @Test func aRefusalIsTheAnswerToThePeer() {
    let chain = Chain(.refuses)
    let client = chain.connect()
    client.send("anybody?")
    #expect(chain.loop.turn { client.sawReset })
    #expect(chain.openers[0].answers == [.refused])
    #expect(chain.joiner.refusals == [.refused] && chain.joiner.failures == [.refused])
    #expect(chain.loop.turn { chain.isEmpty && chain.joiner.open == 0 })
  }

  @Test func withoutTheOtherTunnelItIsUnreachable() {
    let chain = Chain(.neverAnswers)
    chain.second.near.close()
    let client = chain.connect()
    client.send("anybody?")
    #expect(chain.loop.turn { client.sawReset })
    #expect(chain.openers[0].answers == [.unreachable])
    #expect(chain.loop.turn { chain.first.near.mux.streamCount == 0 && chain.joiner.open == 0 })
  }

  @Test(arguments: [true, false])
  func aTunnelThatEndsBeforeTheAnswerIsUnreachable(byCarrier: Bool) {
    let chain = Chain(.neverAnswers)
    let client = chain.connect()
    client.send("anybody?")
    #expect(chain.loop.turn { chain.last.preambles.count == 1 })
    if byCarrier { chain.second.far.close() } else { chain.second.near.close() }
    #expect(chain.loop.turn { client.sawReset })
    #expect(chain.openers[0].answers == [.unreachable])
    #expect(chain.joiner.failures == [.unreachable])
  }

  @Test func aTunnelThatEndsTakesItsConnectionsAlong() {
    let chain = Chain()
    let server = chain.server
    let client = chain.connect()
    client.send("hello")
    #expect(chain.loop.turn { server.connections.first?.text == "hello" && chain.openers[0].answers == [.connected] })
    chain.second.near.close()
    #expect(chain.loop.turn { client.sawReset && server.connections[0].sawReset })
    #expect(chain.loop.turn { chain.joiner.open == 0 && chain.loop.blocks.waiting == 0 })
  }

  @Test(arguments: [true, false])
  func aResetIsPassedOn(byClient: Bool) {
    let chain = Chain()
    let server = chain.server
    let client = chain.connect()
    client.send("hello")
    #expect(chain.loop.turn { server.connections.first?.text == "hello" && chain.openers[0].answers == [.connected] })
    clinux_reset(byClient ? client.fd : server.connections[0].fd)
    #expect(chain.loop.turn { byClient ? server.connections[0].sawReset : client.sawReset })
    #expect(chain.loop.turn { chain.isEmpty && chain.joiner.open == 0 })
  }

  @Test func whoGivesUpBeforeTheAnswerIsTold() {
    let chain = Chain(.neverAnswers)
    let client = chain.connect()
    #expect(chain.loop.turn { chain.last.preambles.count == 1 })
    clinux_reset(client.fd)
    #expect(chain.loop.turn { chain.joiner.failures == [.timedOut] && chain.joiner.open == 0 })
    #expect(chain.loop.turn { chain.second.near.mux.streamCount == 0 })
  }

  @Test(arguments: [true, false])
  func aReaderThatStopsHoldsUpItsOwnStreamOnly(isServer: Bool) {
    let chain = Chain()
    let server = chain.server
    let client = chain.connect()
    chain.loop.turn { server.connections.count == 1 }
    let (reader, writer) = isServer ? (server.connections[0], client) : (client, server.connections[0])
    reader.isReading = false
    writer.send([UInt8](repeating: 1, count: 40 << 20))
    let quick = chain.connect()
    chain.loop.turn { server.connections.count == 2 }
    quick.send("still there?")
    #expect(chain.loop.turn { server.connections[1].text == "still there?" })
    #expect(chain.loop.blocks.waiting < 8 << 20, "what waits is windows, not all that was sent")
    reader.isReading = true
    #expect(chain.loop.turn(seconds: 20) { reader.received.count == 40 << 20 })
    #expect(chain.loop.turn { chain.loop.blocks.waiting == 0 })
  }
}
