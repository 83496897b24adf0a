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
  let listener: InboundListener
  let address: clinux_address
  /// The position in the listener's list.
  var index = 0

  enum Engine {
    case undecided
    case http1(HTTP1Splitter)
    case http2(HTTP2Splitter)
  }
  // It is chosen in SplitConnection+FirstBytes.swift.
  var engine = Engine.undecided
  /// The client's bytes while they may be HTTP/2's preface.
  var first: [UInt8] = []
  var hasZeroFailed = false

  /// True if way 0 goes to the origin.
  var isOnOrigin = false
  /// The time when another session's host began to have way 0, µs; 0 before.
  var renewedAt: UInt64 = 0
  private(set) var client: SplitSocket?
  private var zero: SplitSocket?
  private var hosts: [HostWay] = []
  // In SplitConnection+Copies.swift.
  var copyWays: [CopyWay] = []
  // In SplitConnection+Watch.swift; nil while nobody watches.
  var watch: RequestWatch?
  /// Ways whose failure the engine does not know yet.
  private var failing: [Way] = []
  private(set) var isOver = false
  private var isRunning = false
  /// The engine's bytes that the loop counts.
  private var counted = 0
  /// The number of reads before other connections have their turn.
  private static let turnBudget = 16
  /// The time that a silent client has if no origin answers, µs.
  private static let silenceLimit: UInt64 = 1_000_000
  /// The time that streams may need to meet the first GOAWAY, and that an idle client of HTTP/1 has for a request whose
  /// answer tells it to connect again, µs.
  static let settleTime: UInt64 = 1_000_000

  var loop: EventLoop { listener.loop }

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
    case .http1(let splitter):
      if side == .client, isWatched {
        look(isHTTP2: false, isBetween: splitter.isIdle)
      }
      splitter.received(bytes, from: side)
    case .http2(let splitter):
      if side == .client, isWatched {
        look(isHTTP2: true, isBetween: false)
        watch?.fromClient(bytes)
      }
      splitter.received(bytes, from: side)
    case .undecided:
      if side == .client { return decide(bytes) }
      begin(Self.isSettings(bytes) ? .http2(HTTP2Splitter(driver: self)) : stream, with: first)
      received(bytes, from: side)
    }
  }

  private var isWatched: Bool { watch != nil || listener.watcher != nil }

  func ended(_ side: SplitSide) {
    guard !isOver else { return }
    if case .undecided = engine { begin(stream, with: first) }
    guard !isOver else { return }
    switch engine {
    case .http1(let splitter): splitter.ended(side)
    case .http2(let splitter): splitter.ended(side)
    case .undecided: break
    }
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

  func engineFailed(_ way: Way) {
    guard !isOver else { return }
    switch engine {
    case .http1(let splitter): splitter.failed(way)
    case .http2(let splitter): splitter.failed(way)
    case .undecided:
      hasZeroFailed = true
      if let client { loop.schedule(client, after: Self.silenceLimit, kind: SplitSocket.connectionTimer) }
    }
  }

  /// Ends a silent client that waits for nobody, or one that had a moment to leave.
  func timeIsOver() {
    switch engine {
    case .undecided:
      if hasZeroFailed { abort() } else if listener.isLeaving, first.isEmpty { end(reset: false) }
    case .http2(let splitter):
      splitter.leave()
      run()
    case .http1(let splitter):
      splitter.leave()
      run()
    }
  }

  func mayRead(from side: SplitSide) -> Bool {
    switch engine {
    case .http1(let splitter): splitter.mayRead(from: side)
    case .http2(let splitter): splitter.mayRead(from: side)
    case .undecided: true
    }
  }

  /// Bytes of the client that are kept.
  var heldBytes: Int {
    switch engine {
    case .http1(let splitter): splitter.heldBytes
    case .http2(let splitter): splitter.heldBytes
    case .undecided: first.count
    }
  }

  func count() {
    let held = isOver ? 0 : heldBytes
    guard held != counted else { return }
    loop.blocks.count(held - counted)
    counted = held
    loop.shedWhileFull()
  }

  // MARK: Hosts

  /// Notes that a host has taken the connection.
  func opened(_ host: HostWay) {
    guard !isOver else { return }
    listener.hostAnswered(on: host.way)
    switch engine {
    case .http1(let splitter): splitter.opened(host.way)
    case .http2(let splitter): splitter.opened(host.way)
    case .undecided: break
    }
    // The client may have waited for it with the rest of a body.
    runAtTurnEnd()
  }

  /// Notes that a host's stream is over.
  /// - Parameter status: the reason for which it was not connected; nil if it was.
  func failed(_ host: HostWay, _ status: StreamStatus?) {
    hosts.removeAll { $0 === host }
    guard !isOver else { return }
    if let status, !listener.hostFailed(on: host.way, status) {
      // The refusal is the answer: to a connection of HTTP/1, or to the host's streams alone.
      guard case .http2(let splitter) = engine else { return abort() }
      splitter.failed(host.way, isRefused: true)
      return run()
    }
    failLater(host.way)
  }

  // MARK: The driver

  override func route(_ request: borrowing RequestHead) -> Way {
    let way = listener.route(request)
    if let watch {
      var stream: UInt32 = 0
      if case .http2(let splitter) = engine { stream = splitter.newest }
      watch.routed(request, stream: stream, way: way, holder: listener.holder(of: way), now: loop.now)
    }
    return way
  }

  override func open(_ way: Way) {
    guard !isOver else { return }
    failing.removeAll { $0 == way }
    guard way != 0 else {
      let socket = SplitSocket(connection: self, loop: loop, side: .way(0))
      zero = socket
      isOnOrigin = listener.connectZero(socket, for: address) { [self] in
        socket.release(reset: true)
        guard zero === socket else { return }
        zero = nil
        failLater(0)
      }
      return
    }
    if let host = listener.openHost(way, for: self, address: address) { return hosts.append(host) }
    _ = listener.hostFailed(on: way, .exhausted)
    failLater(way)
  }

  /// Notes a failure at the end of the turn: an engine may be in the middle of its work.
  private func failLater(_ way: Way) {
    if way != 0 { watch?.fellBack(way) }
    if !failing.contains(way) { failing.append(way) }
    runAtTurnEnd()
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    switch side {
    case .client:
      watch?.toClient(bytes)
      client?.write(bytes)
    case .way(0): zero?.write(bytes)
    case .way(let way): host(way)?.send(bytes)
    }
  }

  override func watched(_ request: WatchedRequest) { tell(request) }

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

  func host(_ way: Way) -> HostWay? {
    for host in hosts where host.way == way { return host }
    return nil
  }

  override var copiesRequests: Bool { listener.copiesRequests }
  override func copies(of request: borrowing RequestHead) -> [Way] { copies(request, isStream: false, opens: true) }
  override func copiesOfStream(opens: Bool) -> [Way] { copies(RequestHead(), isStream: true, opens: opens) }
  override func copy(_ bytes: UnsafeRawBufferPointer, to way: Way) -> Bool { copyWay(way)?.send(bytes) ?? false }
  override func copyIsLost(of way: Way) { copyWay(way)?.loseOne() }
  override func holdCopies(_ count: Int) -> Bool { listener.server.holdCopies(count) }

  override func closeCopy(_ way: Way, reset: Bool) {
    guard let copy = copyWay(way) else { return }
    copyWays.removeAll { $0 === copy }
    copy.surrender(reset: reset)
  }

  override func close(_ way: Way, reset: Bool) {
    failing.removeAll { $0 == way }
    if way == 0 {
      let former = zero
      zero = nil
      isOnOrigin = false
      if reset { former?.release(reset: true) } else { former?.finish(lingers: false) }
    } else if let host = host(way) {
      hosts.removeAll { $0 === host }
      host.surrender(reset: reset)
    }
  }

  // MARK: The end

  override func end(reset: Bool) {
    guard !isOver else { return }
    watch?.closed()
    watch = nil
    isOver = true
    first = []
    count()
    listener.forget(self)
    let server = listener.server
    let (former, formerZero, formerHosts) = (client, zero, hosts)
    let formerCopies = copyWays
    copyWays = []
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
    for host in formerHosts { host.surrender(reset: reset) }
    for copy in formerCopies {
      copy.surrender(reset: reset)
      // It may hold bytes that count for the agent.
      if case .http2(let splitter) = engine { splitter.copyEnded(copy.rules.way) }
    }
    if reset { server.connections -= 1 }
  }

  func abort() { end(reset: true) }
}
