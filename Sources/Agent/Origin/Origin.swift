import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The workload's own Pods, which stay warm behind the agent: their addresses, and the route to them.
///
/// A headless Service with the workload's own selector lists them, together with the agents, which a
/// second one lists alone.
final class Origin: Handler {
  let loop: EventLoop
  let resolver: Resolver
  private let configuration: AgentConfiguration
  private(set) var addresses: [clinux_address] = []
  private var agents: [clinux_address] = []
  private var nextIndex = 0
  private var isRefreshing = false
  private var refreshWaiters: [() -> Void] = []
  private var refreshedAt: UInt64 = 0
  private var ports: [UInt16] = []
  /// A port that the Pods serve. The others were reachable once; the Pods are not dialled on them again.
  private var healthPort: UInt16?
  /// True if a dial to one of the Pods succeeded lately and no port timed out at the first success.
  private(set) var answers = false
  var onAnswer: (() -> Void)?
  private var isClosed = false
  /// True if the agent is ending: its addresses stay, since deleting its Deployment also deletes both Services.
  var isEnding = false
  /// True if the daemon has left, and removes both Services: a query now would put "no such name" into the cluster's
  /// caches, where the next agent finds it.
  var isLeft = false
  /// For each address: true if the last dial did not reach it.
  private var deaf: [Bool] = []
  /// Ports that a dial has reached at some time.
  private var served: [UInt16] = []
  /// True if the name that lists the agents no longer exists.
  private(set) var agentsAreGone = false
  /// The time when the Pods' addresses were last in an answer, µs.
  private var heardAt: UInt64 = 0

  /// µs between two DNS queries; half the lifetime of a headless answer in most clusters.
  private static let refreshInterval: UInt64 = 2_500_000
  private static let firstInterval: UInt64 = 200_000
  /// The time that addresses outlive their name, µs: the garbage collector may delete the Service a moment before this
  /// Pod, and a Pod's address is not reused so soon.
  private static let keptFor: UInt64 = 10_000_000

  init(loop: EventLoop, resolver: Resolver, configuration: AgentConfiguration) {
    self.loop = loop
    self.resolver = resolver
    self.configuration = configuration
  }

  /// - Parameter ports: those whose dials show that the origin answers.
  func start(ports: [UInt16]) {
    guard !configuration.originName.isEmpty, !ports.isEmpty else { return }
    self.ports = ports
    look()
  }

  func close() {
    isClosed = true
    loop.unregister(self)
  }

  override func timerFired(_ kind: UInt8) { look() }

  private func look() {
    refresh { [unowned(unsafe) self] in
      if let port = self.healthPort {
        self.probe(port: port) { [unowned(unsafe) self] status, _ in self.looked(status == .connected) }
      } else {
        self.tryPorts(from: 0)
      }
    }
  }

  /// Tries the ports in turn. A refused port is not served, so nothing is lost on it.
  private func tryPorts(from index: Int) {
    guard index < ports.count else { return looked(healthPort != nil) }
    let port = ports[index]
    probe(port: port) { [unowned(unsafe) self] status, _ in
      if status == .connected, self.healthPort == nil { self.healthPort = port }
      if status == .connected || status == .refused { return self.tryPorts(from: index + 1) }
      self.looked(false)
    }
  }

  private func looked(_ answered: Bool) {
    answers = answered
    if !answered { healthPort = nil }
    if answered { onAnswer?() }
    if !isClosed { loop.schedule(self, after: answered ? Self.refreshInterval : Self.firstInterval, kind: 0) }
  }

  /// Looks up both names; without an answer nothing changes.
  func refresh(_ completion: @escaping () -> Void) {
    refreshWaiters.append(completion)
    guard !isRefreshing else { return }
    isRefreshing = true
    resolver.resolve(configuration.agentsName) { [unowned(unsafe) self] outcome in
      switch outcome {
      case .addresses(let found):
        self.agents = found
        self.agentsAreGone = false
      case .noSuchName:
        if !self.isEnding { self.agents = [] }
        self.agentsAreGone = true
      case .noAnswer: break
      }
      if self.isLeft { return self.refreshed() }
      self.resolver.resolve(self.configuration.originName) { [unowned(unsafe) self] outcome in
        switch outcome {
        case .addresses(let found): self.learn(found)
        case .noSuchName: self.learn([])
        case .noAnswer: break
        }
        self.refreshed()
      }
    }
  }

  private func refreshed() {
    isRefreshing = false
    refreshedAt = loop.now
    let waiting = refreshWaiters
    refreshWaiters = []
    for told in waiting { told() }
  }

  /// Takes the addresses that are no agents'. An empty list counts only after a while, and never for an agent that
  /// ends.
  private func learn(_ found: [clinux_address]) {
    var pods: [clinux_address] = []
    var deaf: [Bool] = []
    for address in found where !isAgent(address) {
      pods.append(address)
      deaf.append(Self.position(of: address, in: addresses).map { self.deaf[$0] } ?? false)
    }
    if !pods.isEmpty {
      heardAt = loop.now
    } else if isEnding || loop.now - heardAt < Self.keptFor {
      return
    }
    addresses = pods
    self.deaf = deaf
  }

  /// The number of listed agents, this one among them.
  var agentCount: Int { agents.count }

  func isAgent(_ address: clinux_address) -> Bool { Self.position(of: address, in: agents) != nil }

  /// Returns the addresses to try: another first each time, those that did not answer last time last.
  private func candidates() -> [clinux_address] {
    let count = addresses.count
    guard count > 0 else { return [] }
    nextIndex = (nextIndex + 1) % count
    var result: [clinux_address] = []
    for isLast in [false, true] {
      for offset in 0..<count {
        let index = (nextIndex + offset) % count
        if deaf[index] == isLast { result.append(addresses[index]) }
      }
    }
    return result
  }

  /// Returns the Pod whose turn it is; nil without one.
  func nextAddress() -> clinux_address? { candidates().first }

  /// Notes a dial's result: until DNS follows, it is the better source for existing Pods.
  /// - Parameter port: the one that was meant; a gate's answer counts for it.
  func dialed(_ address: clinux_address, _ port: UInt16, connected: Bool) {
    if let index = Self.position(of: address, in: addresses) { deaf[index] = !connected }
    if connected, !hasServed(port) { served.append(port) }
  }

  private static func position(of address: clinux_address, in list: [clinux_address]) -> Int? {
    var address = address
    for index in list.indices {
      var other = list[index]
      if clinux_same_host(&address, &other) != 0 { return index }
    }
    return nil
  }

  /// Tries the Pods on a port until one answers; reports the outcome and the number of Pods.
  func probe(port: UInt16, _ completion: @escaping (StreamStatus, Int) -> Void) {
    let count = addresses.count
    dial(port) { status, fd in
      if fd >= 0 { clinux_close(fd) }
      completion(status, count)
    }
  }

  /// Connects to one of the Pods for a client. If none answers, looks them up again and retries: on a port that they
  /// have served until `originLimit`, since cluster DNS follows a rollout by seconds; else once.
  /// - Parameters:
  ///   - backlog: what the client has sent so far; it counts as waiting until the origin takes it.
  ///   - completion: gets the connected socket, or -1, and the backlog.
  func connect(port: UInt16, backlog: [UInt8], _ completion: @escaping (Int32, [UInt8]) -> Void) {
    let limit = loop.now + configuration.originLimit
    OriginPass(origin: self, port: port, until: limit, backlog: backlog, completion: completion).dial()
  }

  func hasServed(_ port: UInt16) -> Bool {
    for other in served where other == port { return true }
    return false
  }

  func dial(_ port: UInt16, _ completion: @escaping (StreamStatus, Int32) -> Void) {
    OriginDial(
      origin: self, addresses: candidates(), port: port, gate: configuration.gate(of: port), completion: completion
    ).next()
  }
}
