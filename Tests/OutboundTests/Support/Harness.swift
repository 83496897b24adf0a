import CLinux
import Relay
import TestSupport
import TunnelProtocol

@testable import Outbound

/// A tunnel in one loop: the daemon's parts at one end, a small agent at the other.
final class Harness {
  let loop = EventLoop()!
  let agent = FakeAgent()
  let routes: RouteTable
  let outbound: Outbound
  private let tunnel: Tunnel
  private let pool = WindowPool()

  /// The session of the moment; its ends can be replaced.
  final class Tunnel {
    var near: Session?
    var far: Session?
    var waiting: [(Session?) -> Void] = []
  }

  init(rules: RouteRules = RouteRules(), dns: DNSSettings = Harness.dns()) {
    routes = RouteTable(rules)
    let tunnel = Tunnel()
    self.tunnel = tunnel
    outbound = Outbound(
      loop: loop,
      sessions: { open in
        if let near = tunnel.near { open(near) } else { tunnel.waiting.append(open) }
      }, routes: routes, dns: dns)
    connect()
  }

  deinit {
    outbound.close()
    disconnect()
    // The far ends of what was closed see it, and close theirs.
    for _ in 0..<4 { loop.turn(maximumWait: 1) }
  }

  static func dns(
    hostSuffixes: [DNSName] = [], hostServers: [IPEndpoint] = [], ipv6: Bool = false
  ) -> DNSSettings {
    DNSSettings(
      clusterSuffixes: [DNSName("cluster.local")!],
      search: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"].map { DNSName($0)! },
      hostSuffixes: hostSuffixes, hostServers: hostServers, ipv6: ipv6)
  }

  var near: Session? { tunnel.near }

  func connect() {
    var both: [Int32] = [0, 0]
    clinux_socketpair(&both)
    let near = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[0]), role: .client, pool: pool)
    let far = Session(loop: loop, carrier: SocketCarrier(loop: loop, fd: both[1]), role: .server, pool: pool)
    far.router = agent
    near.start()
    far.start()
    tunnel.near = near
    tunnel.far = far
    let waiting = tunnel.waiting
    tunnel.waiting = []
    for open in waiting { open(near) }
  }

  func disconnect() {
    let (near, far) = (tunnel.near, tunnel.far)
    tunnel.near = nil
    tunnel.far = nil
    near?.close()
    far?.close()
  }

  /// Another router serves the far end's streams.
  func route(by router: StreamRouter) { tunnel.far?.router = router }

  /// Reports to everything that waits for a session that there is none.
  func giveUpWaiting() {
    let waiting = tunnel.waiting
    tunnel.waiting = []
    for open in waiting { open(nil) }
  }
}

/// The far end: TCP as the agent does it, DNS and UDP by what the test says.
final class FakeAgent: StreamRouter {
  var preambles: [Preamble] = []
  /// The local port for a TCP stream; nil refuses it.
  var tcpTarget: (Preamble) -> UInt16? = { $0.port }
  var refusal = StreamStatus.refused
  /// The answer to a DNS message; nil: none.
  var answerDNS: ([UInt8]) -> [UInt8]? = { _ in nil }
  var dnsQueries: [[UInt8]] = []
  /// The datagrams that come back for one.
  var answerUDP: ([UInt8]) -> [[UInt8]] = { [$0] }
  var datagramEnds: [FakeDatagramEnd] = []

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    preambles.append(preamble)
    switch preamble.kind {
    case .tcp:
      let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
      if let port = tcpTarget(preamble) { end.connect(to: loopback(port)) } else { end.refuse(refusal) }
      return end
    case .dns:
      return datagramEnd(session, slot) { [unowned self] query in
        dnsQueries.append(query)
        return answerDNS(query).map { [$0] } ?? []
      }
    case .udp: return datagramEnd(session, slot) { [unowned self] in answerUDP($0) }
    default: return nil
    }
  }

  private func datagramEnd(_ session: Session, _ slot: Int, _ answer: @escaping ([UInt8]) -> [[UInt8]])
    -> FakeDatagramEnd
  {
    let end = FakeDatagramEnd(session: session, slot: slot, answer: answer)
    datagramEnds.append(end)
    session.wantsToSend(end)
    return end
  }
}

/// Datagrams as the wire has them, written apart from the module under test.
final class FakeDatagramEnd: StreamEnd {
  private let answer: ([UInt8]) -> [[UInt8]]
  private var outbox: [UInt8] = [StreamStatus.connected.rawValue]
  private var inbox: [UInt8] = []
  private var finishing = false
  private(set) var isGone = false

  init(session: Session, slot: Int, answer: @escaping ([UInt8]) -> [[UInt8]]) {
    self.answer = answer
    super.init(session: session, slot: slot)
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    inbox += bytes
    while inbox.count >= 2, inbox.count >= 2 + Int(inbox[0]) << 8 + Int(inbox[1]) {
      let length = Int(inbox[0]) << 8 + Int(inbox[1])
      let datagram = Array(inbox[2..<(2 + length)])
      inbox.removeFirst(2 + length)
      for back in answer(datagram) { send(back) }
    }
  }

  func send(_ datagram: [UInt8]) {
    outbox += [UInt8(datagram.count >> 8), UInt8(datagram.count & 0xff)] + datagram
    session.wantsToSend(self)
  }

  /// As for an unreachable destination.
  func reset() {
    isGone = true
    session.release(self)
  }

  /// As after its idle time.
  func finish() {
    finishing = true
    session.wantsToSend(self)
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(capacity, outbox.count)
    guard count > 0 else { return finishing ? .finished : .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: !outbox.isEmpty || finishing)
  }

  override func finished() { isGone = true }
  override func wasReset() { reset() }
  override func sessionClosed() { isGone = true }
}
