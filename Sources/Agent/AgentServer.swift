// The agent in the order of a connection's route: InboundListener takes it; it goes to a host (InboundEnd, through one
// of the sessions that Control/ keeps) or to the origin (Origin/). AgentRouter takes streams from the host into the
// cluster, which end in Outbound/.

import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The root of one agent process.
public final class AgentServer: Handler {
  public let loop: EventLoop
  public let configuration: AgentConfiguration
  let pool = WindowPool()
  let origin: Origin
  /// The Pod's own.
  let nameservers: [clinux_address]
  // In Control/AgentServer+Sessions.swift.
  /// The holders' sessions, the oldest first.
  var sessions: [HolderSession] = []
  /// The highest count with which a port was turned.
  var highestCount: UInt64 = 0
  /// True once a daemon has asked the agent to fail its readiness, and no session has admitted it since.
  var isRetired = false

  private(set) var inbound: [InboundListener] = []
  private var datagrams: [DatagramListener] = []
  private var controlListener: SessionListener?
  private var readinessListener: ReadinessListener?
  private var termination: Int32 = -1
  private(set) var isTerminating = false
  private var readinessWaiters: [ReadinessWaiter] = []
  /// The number of TCP connections through this process in either direction; draining waits for nothing else.
  var connections = 0 { didSet { if isTerminating, connections == 0, !isLingering { loop.stop() } } }
  /// Bytes of copies that wait for hosts.
  private var heldCopies = 0
  /// The times of the last log lines about refused connections and sessions, µs.
  var crowdLogged: UInt64 = 0
  var refusalLogged: UInt64 = 0
  /// True while it takes connections although it ends.
  private(set) var isLingering = false
  /// True if another agent was listed at the end of the last `lingerTime`.
  private var sawOther = false
  private var acceptedBefore: UInt64 = 0
  private enum Timer { static let lingerEnd: UInt8 = 1, drainEnd: UInt8 = 2 }

  /// Listens on the control port and all inbound ports; nil if one is taken.
  public init?(loop: EventLoop, configuration: AgentConfiguration) {
    self.loop = loop
    self.configuration = configuration
    nameservers = configuration.nameservers.isEmpty ? ResolvConf().nameservers : configuration.nameservers
    origin = Origin(
      loop: loop, resolver: Resolver(loop: loop, nameserver: nameservers.first), configuration: configuration)
    super.init()
    loop.blocks.limit = configuration.inboundLimits.bytes
    loop.register(self)
    origin.onAnswer = { [unowned(unsafe) self] in self.readinessChanged() }
    for port in configuration.ports {
      guard let listener = InboundListener(server: self, port: port) else { return nil }
      inbound.append(listener)
      listener.start()
    }
    for port in configuration.datagrams {
      guard let listener = DatagramListener(server: self, port: port) else { return nil }
      datagrams.append(listener)
    }
    guard let listener = SessionListener(server: self, port: configuration.controlPort) else { return nil }
    controlListener = listener
    listener.start()
    if let port = configuration.readinessPort {
      guard let listener = ReadinessListener(server: self, port: port) else { return nil }
      readinessListener = listener
      listener.start()
    }
    origin.start(ports: configuration.ports)
  }

  /// Checks whether it listens on a port of the workload.
  func serves(_ port: UInt16) -> Bool {
    for listener in inbound where listener.port == port { return true }
    return false
  }

  /// Counts bytes of copies that wait for hosts, more or fewer. False if there are too many: these are not counted.
  func holdCopies(_ count: Int) -> Bool {
    if count > 0, heldCopies + count > min(configuration.copyLimit, loop.blocks.limit / 4) { return false }
    heldCopies += count
    return true
  }

  /// The actual control port, if 0 was asked for.
  public var boundControlPort: UInt16 { controlListener?.boundPort ?? 0 }
  /// The actual port for the readiness probe, if there is one.
  public var boundReadinessPort: UInt16? { readinessListener?.boundPort }
  /// The actual inbound ports.
  public var boundPorts: [UInt16] { inbound.map { $0.boundPort } }
  /// The actual UDP ports.
  public var boundDatagramPorts: [UInt16] { datagrams.map { $0.boundPort } }

  // MARK: Readiness

  /// True if connections have a destination, since a Ready Pod gets some. With sessions alone they have none until one
  /// of them says that they will.
  var isReady: Bool {
    guard !configuration.neverReady else { return false }
    for one in sessions where one.isAdmitted { return true }
    return origin.answers && !isRetired
  }

  /// Lets the probe wait a moment for its yes, so that a new Pod is Ready with its first probe.
  func answerWhenReady(_ waiter: ReadinessWaiter) {
    if isReady { return waiter.answer(ready: true) }
    readinessWaiters.append(waiter)
    loop.schedule(waiter, after: 900_000, kind: ReadinessWaiter.readinessTimer)
  }

  func forget(_ waiter: ReadinessWaiter) { readinessWaiters.removeAll { $0 === waiter } }

  func readinessChanged() {
    guard isReady else { return }
    let waiting = readinessWaiters
    readinessWaiters = []
    for waiter in waiting { waiter.answer(ready: true) }
  }

  // MARK: Ending

  /// Ends on SIGTERM, which arrives on this descriptor (signalfd(2)).
  func endOn(_ termination: Int32) {
    self.termination = termination
    loop.watch(termination, self)
  }

  public override func ready(_ events: UInt32) {
    guard !isTerminating, events & clinux_EPOLLIN != 0 else { return }
    terminate()
  }

  /// Continues to accept, to the origin, for at least `lingerTime`, since other nodes learn late that
  /// this Pod ends; then drains.
  ///
  /// The Service may have no other endpoint, and kube-proxy then keeps sending to one that ends (KEP-1669), so the last
  /// agent stays up to `drainLimit`.
  public func terminate() {
    AgentProgram.log("terminating; connections go to the origin")
    isTerminating = true
    isLingering = true
    origin.isEnding = true
    acceptedBefore = accepted
    for one in sessions { one.send(ControlMessage(.terminating)) }
    loop.schedule(self, after: configuration.lingerTime, kind: Timer.lingerEnd)
    loop.schedule(self, after: configuration.drainLimit, kind: Timer.drainEnd)
  }

  public override func timerFired(_ kind: UInt8) {
    if kind == Timer.lingerEnd {
      if isStillNeeded() { return loop.schedule(self, after: configuration.lingerTime, kind: Timer.lingerEnd) }
      isLingering = false
      for listener in inbound {
        listener.close()
        listener.leave()
      }
      if connections == 0 { loop.stop() }
    } else {
      loop.stop()
    }
  }

  /// Decides, at the end of a `lingerTime`, if no other agent can take connections. A retired agent is no
  /// endpoint any more, except for a kube-proxy that lags. If its Services are gone, it is being removed, and
  /// no connections come, or someone deleted them.
  private func isStillNeeded() -> Bool {
    guard !configuration.neverReady, !configuration.originName.isEmpty else { return false }
    let hasConnected = accepted > acceptedBefore
    acceptedBefore = accepted
    if isRetired { return hasConnected }
    if origin.agentCount > 1 {
      // Listed does not mean ready: it gets one more `lingerTime`.
      defer { sawOther = true }
      return !sawOther
    }
    return !origin.agentsAreGone || hasConnected
  }

  private var accepted: UInt64 {
    var sum: UInt64 = 0
    for listener in inbound { sum += listener.toHost + listener.toOrigin }
    return sum
  }

  /// Closes everything; for tests, in which the process continues.
  public func close() {
    for listener in inbound { listener.close() }
    for listener in datagrams { listener.close() }
    controlListener?.close()
    readinessListener?.close()
    for one in sessions { one.session.close() }
    sessions = []
    origin.close()
    loop.unregister(self)
  }
}
