import CLinux

#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// One of the Pod's ports: each new connection goes to the host or to the origin.
final class InboundListener: Listener {
  let server: AgentServer
  /// The port as the Service targets it.
  let port: UInt16
  let boundPort: UInt16
  /// True if a container of this Pod is in front of it, past which nobody may come.
  private let isInside: Bool
  /// The session that gets new connections; nil if the origin does.
  private(set) var owner: HolderSession?
  /// The highest count with which it was turned to a host.
  private(set) var count: UInt64 = 0
  /// True from the turn to the host until that to the origin, without a session as well.
  private(set) var isIntercepted = false
  /// True if a refusal by the host is passed on to the client instead of falling back to the origin.
  private(set) var passesRefusals = false
  /// The time that connections may stay on the origin, once the host answers, if they do not come home by themselves,
  /// µs; 0 for any time.
  var homeAfter: UInt64 = 0
  private(set) var toHost: UInt64 = 0
  var toOrigin: UInt64 = 0
  /// Connections on the origin.
  private(set) var onOrigin: [OriginConnection] = []

  // In Split/InboundListener+Split.swift.
  /// The sessions that have requests of this port, by their rules.
  var ruled: [PortRules] = []
  var nextWay: Way = 0
  /// Connections whose requests may go different ways.
  var splits: [SplitConnection] = []
  /// The first of those who want to see the port's requests.
  var watcher: ExchangesEnd?

  // In InboundListener+Home.swift.
  /// True if the host took the last connection that was offered.
  var hostAnswers = false
  var isProbing = false
  var isLookDue = false
  /// Probes in a row that have failed.
  var failures = 0
  /// True once this agent accepts no more connections.
  var isLeaving = false

  init?(server: AgentServer, port: UInt16) {
    guard let socket = PodSocket(server.configuration, port: port, bind: { clinux_tcp_listen($0, 1024) }) else {
      AgentProgram.log("a port to listen on is taken or not allowed")
      return nil
    }
    boundPort = socket.port
    self.server = server
    self.port = port
    isInside = server.configuration.gate(of: port) != nil
    super.init(loop: server.loop, fd: socket.fd)
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    server.connections += 1
    if isInside, !Self.isOwn(connection, peer) { return refuse(connection) }
    guard server.connections <= server.configuration.inboundLimits.connections else {
      AgentProgram.log("too many connections at once; further ones are reset", at: loop.now, after: &server.crowdLogged)
      return refuse(connection)
    }
    let client = peer.unmapped
    let isForOrigin = isForOrigin(client)
    if isSplit, isForOrigin { return split(connection, of: client) }
    if goToHost(connection, of: client) { return }
    guard isForOrigin else { return refuse(connection) }
    hostFailed()
    goToOrigin(connection, of: client, backlog: [], because: isIntercepted ? .noSession : .notTurned)
  }

  /// Checks that a client is no agent that takes this one for the origin: never make a loop.
  func isForOrigin(_ client: clinux_address) -> Bool { isInside || !server.origin.isAgent(client) }

  // MARK: Host

  /// The owner's session, if it can be trusted with a new connection.
  var liveSession: Session? {
    guard let session = owner?.session, !session.isSilent, !server.isTerminating else { return nil }
    return session
  }

  /// Opens a stream for a connection; false if it cannot go to the host.
  /// - Parameter isInner: true for way 0 of a connection that is split.
  func goToHost(_ connection: Int32, of client: clinux_address, isInner: Bool = false) -> Bool {
    guard let session = liveSession else { return false }
    let preamble = Preamble(.inbound, port: port, address: client.byteArray)
    let end = session.open {
      InboundEnd(
        listener: self, session: session, slot: $0, fd: connection, client: client, preamble: preamble,
        isInner: isInner)
    }
    guard end != nil else { return false }
    toHost += 1
    return true
  }

  /// Passes a connection that was on its way to the host to the origin.
  func fallBack(
    _ connection: Int32, of client: clinux_address, from session: Session, backlog: [UInt8], status: StreamStatus,
    isInner: Bool
  ) {
    toHost -= 1
    server.holder(of: session)?.send(ControlMessage(.fellBack, port: port, flag: status.rawValue))
    if isOwner(session) { hostFailed() }
    goToOrigin(connection, of: client, backlog: backlog, because: OriginReason(status), isInner: isInner)
  }

  func isOwner(_ session: Session) -> Bool { owner?.session === session }

  /// Takes new connections to the host of a session from now on. Another session that had them loses them.
  /// - Parameter homeAfter: µs; 0 for never.
  func turnToHost(_ owner: HolderSession, count: UInt64, passesRefusals: Bool, homeAfter: UInt64) {
    let former = self.owner === owner ? nil : self.owner
    former?.send(ControlMessage(.superseded, port: port))
    self.owner = owner
    self.count = count
    self.passesRefusals = passesRefusals
    self.homeAfter = homeAfter
    isIntercepted = true
    failures = 0
    hostFailed()
    renewSplits()
    if let former { leaveHost(of: former) }
    look()
  }

  /// Ends a session's turn of all of the port.
  func turnToOrigin(by holder: HolderSession) {
    if owner == nil || owner === holder { isIntercepted = false }
    giveUp(holder)
    leaveHost(of: holder)
  }

  func sessionEnded(_ holder: HolderSession) {
    removeRules(of: holder)
    giveUp(holder)
  }

  private func giveUp(_ holder: HolderSession) {
    guard owner === holder else { return }
    owner = nil
    homeAfter = 0
    hostFailed()
    renewSplits()
  }

  /// Lets way 0 of connections that are split follow the port.
  private func renewSplits() { for one in splits { one.renew() } }

  // MARK: Origin

  func goToOrigin(
    _ connection: Int32, of client: clinux_address, backlog: [UInt8], because reason: OriginReason,
    isInner: Bool = false
  ) {
    toOrigin += 1
    server.origin.connect(port: port, backlog: backlog) { [self] origin, backlog in
      defer { lookLater() }
      guard origin >= 0 else { return refuse(connection) }
      let one = OriginConnection(
        listener: self, client: client, reason: reason, socket: connection, origin: origin, backlog: backlog,
        isInner: isInner)
      guard !one.isOver else { return }
      one.index = onOrigin.count
      onOrigin.append(one)
      if canTakeHome(one) { one.hostAnswers(true) }
      if isLeaving { one.leave() }
    }
  }

  /// Offers a connection of the origin to the host, or splits it, between two of its requests.
  func bringHome(_ connection: Int32, of client: clinux_address, isInner: Bool) {
    toOrigin -= 1
    move(connection, of: client, isInner: isInner)
  }

  func ended(_ one: OriginConnection) {
    forget(one)
    server.connections -= 1
  }

  func forget(_ one: OriginConnection) {
    guard one.index < onOrigin.count, onOrigin[one.index] === one else { return }
    let last = onOrigin.removeLast()
    guard last !== one else { return }
    onOrigin[one.index] = last
    last.index = one.index
  }

  /// Counts the connections on the origin that a session wants: those that are split have what it wants of them, unless
  /// it is all of the port.
  func onOriginReport(for holder: HolderSession) -> ControlMessage {
    var report = ControlMessage(.onOrigin, port: port)
    for one in onOrigin where !one.isFinishing && !(one.isInner && owner !== holder) { report.count(one.reason) }
    if owner === holder { for one in splits where one.isOnOrigin { report.count(.notTurned) } }
    return report
  }

  override func timerFired(_ kind: UInt8) {
    guard kind == InboundListener.lookTimer else { return super.timerFired(kind) }
    lookIsDue()
  }

  /// Checks that a connection comes from this Pod: it then has the same address at both ends.
  private static func isOwn(_ connection: Int32, _ peer: clinux_address) -> Bool {
    var local = clinux_address()
    clinux_local_address(connection, &local)
    return local.unmapped.byteArray == peer.unmapped.byteArray
  }

  private func refuse(_ connection: Int32) {
    clinux_reset(connection)
    server.connections -= 1
  }
}

extension clinux_address {
  /// The address with ::ffff:10.0.0.1, as a listener for both families sees it, turned into 10.0.0.1.
  var unmapped: clinux_address {
    var copy = self
    clinux_unmap(&copy)
    return copy
  }
}
