import CLinux
import Relay
import TunnelProtocol

/// One client's connection to a destination: through a stream, or joined with a socket of the host. Several
/// destinations are tried in turn.
final class OutboundConnection {
  private let dialer: Dialer
  private let client: Int32
  private var destination: Destination
  /// The destinations to try after `destination`, last first.
  private var untried: [Destination]
  /// The end of all attempts, µs of the loop's clock.
  private var dialEnd: UInt64 = 0
  private let backlog: [UInt8]
  private let reply: ((StreamStatus) -> [UInt8])?

  private enum State {
    case waiting
    case dialing(HostDial)
    case stream(ClusterEnd)
    case joined(SocketPair)
    case over
  }
  private var state = State.waiting

  init(
    dialer: Dialer, client: Int32, destination: Destination, others: [Destination], backlog: [UInt8],
    reply: ((StreamStatus) -> [UInt8])?
  ) {
    self.dialer = dialer
    self.client = client
    self.destination = destination
    untried = others.reversed()
    self.backlog = backlog
    self.reply = reply
  }

  func start() {
    dialEnd = dialer.loop.now + AcceptorEnd.connectLimit
    switch dialer.route(destination) {
    case .cluster: dialer.counters.tcp.viaCluster += 1
    case .host: dialer.counters.tcp.viaHost += 1
    case .hostLoopback: dialer.counters.tcp.viaHostLoopback += 1
    }
    lead()
  }

  private func lead() {
    guard !dialer.isKept(destination) else {
      return failed(.notServed, "an address of this machine, asked for by a client of another")
    }
    switch dialer.route(destination) {
    case .cluster: openStream()
    case .host: if case .address(let endpoint) = destination { dial(endpoint) }
    case .hostLoopback:
      if case .address(let endpoint) = destination { dial(IPEndpoint(.loopback, port: endpoint.port)) }
    }
  }

  /// Tries the next destination after one that did not answer. False if there is none, or no time for it.
  private func leadElsewhere() -> Bool {
    guard dialer.loop.now < dialEnd, let next = untried.popLast() else { return false }
    destination = next
    state = .waiting
    lead()
    return true
  }

  // MARK: Cluster

  private func openStream() {
    guard let preamble = destination.preamble else { return failed(.nameNotFound, "the name is too long") }
    dialer.sessions { [self] session in
      guard case .waiting = state else { return }
      guard let session else { return failed(.unreachable, "there was no tunnel for 5 s") }
      let end = session.open { slot in
        ClusterEnd(
          session: session, slot: slot, fd: client, preamble: preamble, backlog: backlog, isLast: untried.isEmpty,
          connection: self, tap: dialer.tap(destination))
      }
      guard let end = end as? ClusterEnd else { return failed(.exhausted, "the tunnel takes no more streams") }
      state = .stream(end)
    }
  }

  /// Takes the agent's answer; the client's reply must be sent before the first byte of payload.
  fileprivate func answered(_ status: StreamStatus, by end: ClusterEnd) -> Bool {
    if status == .connected {
      return reply.map { write($0(status)) } ?? true
    }
    if !untried.isEmpty {
      state = .waiting
      _ = end.surrenderSocket()
      if leadElsewhere() { return false }
      failed(status, "the cluster side answered: \(status)")
      return false
    }
    note(status, "the cluster side answered: \(status)")
    if let reply {
      state = .over
      dialer.dismiss(end.surrenderSocket(), reply(status))
      dialer.ended(self)
    }
    return false
  }

  fileprivate func streamEnded() {
    guard case .stream(let end) = state else { return }
    if end.status == nil { note(.failed, "the tunnel ended before an answer") }
    finished()
  }

  // MARK: Host

  private func dial(_ endpoint: IPEndpoint) {
    let limit = untried.isEmpty ? AcceptorEnd.connectLimit : AcceptorEnd.attemptLimit
    let dial = HostDial(loop: dialer.loop, to: endpoint, limit: limit) { [self] outcome in
      guard case .dialing = state else { return }
      switch outcome {
      case .connected(let socket):
        if let reply, !write(reply(.connected)) {
          clinux_reset(socket)
          clinux_reset(client)
          return finished()
        }
        state = .joined(
          SocketPair(loop: dialer.loop, left: client, right: socket, backlog: backlog) { [self] in finished() })
      case .failed(let status): if !leadElsewhere() { failed(status, "the host's dial: \(status)") }
      }
    }
    state = .dialing(dial)
    dial.start()
  }

  // MARK: Ends

  /// Writes a few bytes into an empty socket buffer: less than all of them means that the client is gone.
  private func write(_ bytes: [UInt8]) -> Bool {
    bytes.isEmpty || bytes.withUnsafeBytes { clinux_send(client, $0.baseAddress!, $0.count) } == bytes.count
  }

  private func note(_ status: StreamStatus, _ what: String) {
    dialer.counters.tcp.refused += 1
    dialer.counters.problem("\(destination): \(what)")
  }

  /// Ends the connection while no stream and no pair owns the client's socket.
  private func failed(_ status: StreamStatus, _ what: String) {
    note(status, what)
    state = .over
    if let reply { dialer.dismiss(client, reply(status)) } else { clinux_reset(client) }
    dialer.ended(self)
  }

  private func finished() {
    state = .over
    dialer.ended(self)
  }

  /// Resets the client, from any state.
  func close() {
    let was = state
    state = .over
    switch was {
    case .waiting: clinux_reset(client)
    case .dialing(let dial):
      dial.cancel()
      clinux_reset(client)
    case .stream(let end): end.abort()
    case .joined(let pair): pair.close(reset: true)
    case .over: break
    }
  }
}

/// The client's end of the stream. Bytes that were read earlier go behind the preamble.
///
/// While another destination is left to try, none of the client's bytes are sent before the answer: the
/// same bytes must not arrive twice.
final class ClusterEnd: OpenerEnd {
  private let connection: OutboundConnection
  private let isLast: Bool
  private static let attemptTimer: UInt8 = 1
  private var backlog: [UInt8]
  private var sentBacklog = 0
  private var sentPreamble = false

  init(
    session: Session, slot: Int, fd: Int32, preamble: Preamble, backlog: [UInt8], isLast: Bool,
    connection: OutboundConnection, tap: StreamTap?
  ) {
    self.connection = connection
    self.isLast = isLast
    self.backlog = backlog
    super.init(session: session, slot: slot, fd: fd, preamble: preamble)
    self.tap = tap
    if !isLast { loop.schedule(self, after: AcceptorEnd.attemptLimit, kind: Self.attemptTimer) }
  }

  private var mayPass: Bool { isLast || status == .connected }
  override var mayRead: Bool { backlog.isEmpty && mayPass && super.mayRead }

  override func timerFired(_ kind: UInt8) {
    guard kind == Self.attemptTimer else { return super.timerFired(kind) }
    if status == nil, !isOver { _ = connection.answered(.timedOut, by: self) }
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !backlog.isEmpty else { return super.produce(into: place, capacity: capacity) }
    guard sentPreamble else {
      guard case .bytes(let count, _) = super.produce(into: place, capacity: capacity) else { return .nothing }
      sentPreamble = true
      return .bytes(count, more: true)
    }
    guard mayPass else { return .nothing }
    if sentBacklog == 0 { backlog.withUnsafeBytes { tap?.fromSocket($0) } }
    let count = min(capacity, backlog.count - sentBacklog)
    backlog.withUnsafeBytes { place.copyMemory(from: $0.baseAddress! + sentBacklog, byteCount: count) }
    sentBacklog += count
    if sentBacklog == backlog.count { backlog = [] }
    return .bytes(count, more: true)
  }

  override func answered(_ status: StreamStatus) {
    if connection.answered(status, by: self) { return }
    abort()
  }

  override func ended() { connection.streamEnded() }
}
