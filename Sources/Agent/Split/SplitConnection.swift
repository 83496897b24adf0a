import CLinux

#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A client's connection to a port with rules: requests that match go to the hosts of their sessions, all others go on
/// way 0, to the origin or to the host that has the whole port.
///
/// The first bytes decide how it is read. Nothing waits for them: a server that speaks first is heard at once.
final class SplitConnection: SplitDriver {
  private let listener: InboundListener
  private let address: clinux_address
  /// The position in the listener's list.
  var index = 0

  private enum Engine {
    case undecided
    case http1(HTTP1Splitter)
  }
  private var engine = Engine.undecided
  /// The client's bytes while they may be HTTP/2's preface.
  private var first: [UInt8] = []
  private var hasZeroFailed = false

  private var client: SplitSocket?
  private var zero: SplitSocket?
  private var hosts: [HostWay] = []
  /// Ways whose failure the engine does not know yet.
  private var failing: [Way] = []
  private(set) var isOver = false
  private var isRunning = false
  /// The engine's bytes that the loop counts.
  private var counted = 0
  /// The number of reads before other connections have their turn.
  private static let turnBudget = 16
  /// The time that a client without a word has if there is no origin, µs.
  private static let silenceLimit: UInt64 = 1_000_000

  private var loop: EventLoop { listener.loop }

  init(listener: InboundListener, address: clinux_address) {
    self.listener = listener
    self.address = address
    super.init()
  }

  /// Begins with a connected socket.
  func start(_ socket: Int32) {
    let client = SplitSocket(connection: self, loop: loop, side: .client)
    self.client = client
    open(0)
    client.connected(socket)
  }

  // MARK: Events

  /// Reads what the sides have, as far as their bytes have somewhere to go.
  func run() {
    guard !isRunning, !isOver else { return }
    isRunning = true
    var budget = Self.turnBudget
    var hasMoved = true
    while hasMoved, budget > 0, !isOver {
      hasMoved = false
      budget -= 1
      if mayRead(from: .client), client?.read() == true { hasMoved = true }
      if !isOver, zero != nil, mayRead(from: .way(0)), zero?.read() == true { hasMoved = true }
      if !isOver, !hosts.isEmpty { for host in hosts where host.feed() { hasMoved = true } }
    }
    isRunning = false
    count()
    if hasMoved, !isOver, let client { loop.readAgain(client) }
  }

  /// Calls `run` at the end of the turn.
  func runAtTurnEnd() { if let client { loop.atTurnEnd(client) } }

  func turnEnded() {
    if client?.isBroken == true { return abort() }
    if zero?.isBroken == true { failed(.way(0)) }
    while let way = failing.popLast(), !isOver { engineFailed(way) }
    run()
  }

  func received(_ bytes: UnsafeRawBufferPointer, from side: SplitSide) {
    guard !isOver else { return }
    switch engine {
    case .http1(let splitter): splitter.received(bytes, from: side)
    case .undecided:
      if side == .client { return decide(bytes) }
      beginStream()
      received(bytes, from: side)

    }
  }

  func ended(_ side: SplitSide) {
    guard !isOver else { return }
    if case .undecided = engine { beginStream() }
    if case .http1(let splitter) = engine, !isOver { splitter.ended(side) }
  }

  /// Notes that a socket was reset.
  func failed(_ side: SplitSide) {
    switch side {
    case .client: abort()
    case .way(let way):
      zero?.release(reset: true)
      zero = nil
      engineFailed(way)
    }
  }

  private func engineFailed(_ way: Way) {
    guard !isOver else { return }
    switch engine {
    case .http1(let splitter): splitter.failed(way)
    case .undecided:
      hasZeroFailed = true
      if let client { loop.schedule(client, after: Self.silenceLimit, kind: SplitSocket.silenceTimer) }
    }
  }

  /// Ends a client that has nobody to wait for.
  func silenceIsOver() { if case .undecided = engine, hasZeroFailed { abort() } }

  func mayRead(from side: SplitSide) -> Bool {
    switch engine {
    case .http1(let splitter): splitter.mayRead(from: side)
    case .undecided: true
    }
  }

  /// Bytes of the client that are kept.
  var heldBytes: Int {
    switch engine {
    case .http1(let splitter): splitter.heldBytes
    case .undecided: first.count
    }
  }

  private func count() {
    let held = isOver ? 0 : heldBytes
    guard held != counted else { return }
    loop.blocks.count(held - counted)
    counted = held
    loop.shedWhileFull()
  }

  // MARK: The first bytes

  private func decide(_ bytes: UnsafeRawBufferPointer) {
    let preface = HTTP2Connection.preface
    if first.isEmpty, bytes[0] != preface.utf8Start[0] { return begin(with: bytes) }
    first.append(contentsOf: bytes)
    let count = min(first.count, preface.utf8CodeUnitCount)
    var isPreface = true
    for index in 0..<count where first[index] != preface.utf8Start[index] { isPreface = false }
    if isPreface, count < preface.utf8CodeUnitCount { return }
    let own = first
    first = []
    own.withUnsafeBytes { begin(with: $0) }
  }

  private func begin(with bytes: UnsafeRawBufferPointer) {
    begin(HTTP1Splitter(driver: self))
    received(bytes, from: .client)
  }

  /// Begins with a protocol whose server speaks first, or that has come to an end.
  private func beginStream() {
    begin(HTTP1Splitter(driver: self, isStream: true))
    guard !first.isEmpty else { return }
    let own = first
    first = []
    own.withUnsafeBytes { received($0, from: .client) }
  }

  private func begin(_ splitter: HTTP1Splitter) {
    engine = .http1(splitter)
    if hasZeroFailed { splitter.failed(0) }
  }

  // MARK: Hosts

  /// Notes that a host has taken the connection.
  func opened(_ host: HostWay) {
    guard !isOver else { return }
    listener.hostAnswered(on: host.way)
    if case .http1(let splitter) = engine { splitter.opened(host.way) }
  }

  /// Notes that a host's stream is over.
  /// - Parameter status: the reason for which it was not connected; nil if it was.
  func failed(_ host: HostWay, _ status: StreamStatus?) {
    hosts.removeAll { $0 === host }
    guard !isOver else { return }
    if let status, !listener.hostFailed(on: host.way, status) { return abort() }
    engineFailed(host.way)
    run()
  }

  // MARK: The driver

  override func route(_ request: borrowing RequestHead) -> Way { listener.route(request) }

  override func open(_ way: Way) {
    guard !isOver else { return }
    guard way != 0 else {
      let socket = SplitSocket(connection: self, loop: loop, side: .way(0))
      zero = socket
      return listener.connectZero(socket, for: address) { [self] in
        socket.release(reset: true)
        guard zero === socket else { return }
        zero = nil
        failLater(0)
      }
    }
    if let host = listener.openHost(way, for: self, address: address) { return hosts.append(host) }
    _ = listener.hostFailed(on: way, .exhausted)
    failLater(way)
  }

  private func failLater(_ way: Way) {
    failing.append(way)
    runAtTurnEnd()
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    switch side {
    case .client: client?.write(bytes)
    case .way(0): zero?.write(bytes)
    case .way(let way): host(way)?.send(bytes)
    }
  }

  override func finishSending(to side: SplitSide) {
    switch side {
    case .client: client?.finishOutput()
    case .way(0): zero?.finishOutput()
    case .way(let way): host(way)?.finishOutput()
    }
  }

  override func queued(for side: SplitSide) -> Int {
    switch side {
    case .client: client?.queued ?? 0
    case .way(0): zero?.queued ?? 0
    case .way(let way): host(way)?.queued ?? 0
    }
  }

  private func host(_ way: Way) -> HostWay? {
    for host in hosts where host.way == way { return host }
    return nil
  }

  override func close(_ way: Way, reset: Bool) {
    if way == 0 {
      let former = zero
      zero = nil
      if reset { former?.release(reset: true) } else { former?.finish(lingers: false) }
    } else if let host = host(way) {
      hosts.removeAll { $0 === host }
      host.leave(reset: reset)
    }
  }

  // MARK: The end

  override func end(reset: Bool) {
    guard !isOver else { return }
    isOver = true
    first = []
    count()
    listener.forget(self)
    let server = listener.server
    let (former, formerZero, formerHosts) = (client, zero, hosts)
    client = nil
    zero = nil
    hosts = []
    if reset {
      former?.release(reset: true)
      formerZero?.release(reset: true)
    } else {
      former?.finish(lingers: true) { server.connections -= 1 }
      formerZero?.finish(lingers: false)
    }
    for host in formerHosts { host.leave(reset: reset) }
    if reset { server.connections -= 1 }
  }

  func abort() { end(reset: true) }

  /// Ends between two requests, since this agent ends.
  func leave() {
    if case .http1(let splitter) = engine { splitter.leave() }
    run()
  }

  /// Takes another way 0 from the next request on.
  func renew() {
    if case .http1(let splitter) = engine { splitter.renew() }
    run()
  }
}
