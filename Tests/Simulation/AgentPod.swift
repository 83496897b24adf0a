import InterceptMachine

/// The session of a laptop with an agent's Pod.
final class AgentSession {
  let laptop: Laptop
  unowned(unsafe) let pod: AgentPod
  /// The laptop's process that opened it.
  let life: Int
  var isOpen = true
  var isAdmitted = false

  init(_ laptop: Laptop, _ pod: AgentPod) {
    self.laptop = laptop
    self.pod = pod
    life = laptop.life
  }

  /// True if the agent has heard from it within 5 s.
  var isLive: Bool {
    guard isOpen else { return false }
    guard let since = laptop.unreachableSince else { return true }
    return laptop.world.now - since < 5_000
  }
}

/// An agent's Pod, with the agent in it.
final class AgentPod {
  enum Phase { case pending, running, terminating, gone }

  struct Port {
    var owner: AgentSession?
    var count: UInt64 = 0
    /// The sessions that have some of its requests.
    var personal: [Personal] = []
  }

  struct Personal {
    var session: AgentSession
    var count: UInt64
    var rules: Set<String>
  }

  unowned(unsafe) let cluster: Cluster
  let number: Int
  let uid: Int
  let node: Int
  private(set) var phase = Phase.pending
  /// As the kubelet has seen it.
  var isReady = false
  private(set) var sessions: [AgentSession] = []
  private var ports: [UInt16: Port] = [:]
  private var isRetired = false
  private(set) var lastRetired: Int?
  /// The time of the last connection.
  var took = 0
  /// True if its end has been asked for, and its node has no kubelet that would tell it.
  private var isDoomed = false
  private var world: World { cluster.world }

  init(_ cluster: Cluster, number: Int, uid: Int, node: Int) {
    self.cluster = cluster
    self.number = number
    self.uid = uid
    self.node = node
  }

  var accepts: Bool { phase == .running || phase == .terminating }

  /// Returns the laptop that gets the requests that meet a rule, or, with nil, those that meet none; nil if the origin
  /// does.
  func host(of port: UInt16, rule: String?) -> Laptop? {
    guard phase == .running || isDoomed, let state = ports[port] else { return nil }
    let personal = state.personal.first { one in
      rule.map(one.rules.contains) == true || world.planted == .takingMirror && one.rules.contains("copy *")
    }
    let sessions = [personal?.session, state.owner].compactMap(\.self)
    return sessions.first { $0.isLive && $0.laptop.unreachableSince == nil }?.laptop
  }

  /// Returns the laptops that get copies of the requests that meet a rule, or, with nil, of those that meet none.
  func copies(of port: UInt16, rule: String?) -> [Laptop] {
    guard phase == .running || isDoomed, let state = ports[port] else { return [] }
    return state.personal.filter { one in
      one.session.isLive
        && World.copies.contains { copy in
          one.rules.contains(copy) && (copy == "copy *" || rule.map(copy.hasSuffix) == true)
        }
    }.map(\.session.laptop)
  }

  func run() {
    phase = .running
    probe()
  }

  // MARK: Readiness

  /// Retiring counts until someone wants the agent ready again.
  private var wantsReady: Bool {
    sessions.contains { $0.isOpen && $0.isAdmitted } || cluster.originIsReady && !isRetired
  }

  /// Looks as the kubelet does.
  private func probe() {
    guard phase == .running else { return }
    if isReady != wantsReady, cluster.kubeletStopped[node] == nil {
      isReady = wantsReady
      cluster.endpointsChanged()
    }
    world.after(world.dice.time(500...2000)) { [weak self] in self?.probe() }
  }

  // MARK: Ending

  func terminate() {
    guard phase == .running || phase == .pending else { return }
    world.note("agent pod \(number) terminates")
    guard phase == .running else { return vanish() }
    phase = .terminating
    isReady = false
    cluster.endpointsChanged()
    if cluster.kubeletStopped[node] == nil { beginEnding() } else { isDoomed = true }
  }

  /// Gets SIGTERM.
  private func beginEnding() {
    isDoomed = false
    for session in sessions where session.isOpen { session.laptop.heard(.agentEnds, from: session) }
    linger(since: world.now)
  }

  func kubeletReturns() { if isDoomed { beginEnding() } }

  private func linger(since start: Int) {
    world.after(5_000) { [weak self] in
      guard let self, phase == .terminating else { return }
      let isNeeded = world.now - took < 5_000 && world.now - start < 25_000
      if isNeeded, world.planted != .laggingProxy { linger(since: start) } else { die() }
    }
  }

  func die() {
    guard phase != .gone else { return }
    world.note("agent pod \(number) is gone")
    vanish()
    isReady = false
    cluster.endpointsChanged()
    closeSessions()
  }

  /// Ends it before it ran, or with it.
  func vanish() {
    phase = .gone
    cluster.pods[number] = nil
  }

  // MARK: Sessions

  func open(_ session: AgentSession) { sessions.append(session) }

  func closeSessions() { for session in sessions { close(session) } }

  func close(_ session: AgentSession) {
    guard session.isOpen else { return }
    session.isOpen = false
    sessions.removeAll { $0 === session }
    for matching in [false, true] { for port in ports.keys { unturn(port, for: session, matching: matching) } }
    session.laptop.sessionClosed(session)
  }

  func admit(_ session: AgentSession) {
    session.isAdmitted = true
    isRetired = false
  }

  func retire(_ session: AgentSession) {
    session.isAdmitted = false
    guard !sessions.contains(where: { $0.isOpen && $0.isAdmitted }) else { return }
    isRetired = true
    lastRetired = world.now
  }

  func turn(_ port: UInt16, count: UInt64, rules: Set<String>?, for session: AgentSession) -> Outcome {
    if let rules { return turn(port, count: count, matching: rules, for: session) }
    var state = ports[port] ?? Port()
    guard count >= state.count else { return .superseded }
    if let former = state.owner, former !== session, former.isOpen {
      former.laptop.heard(.superseded(port: port), from: former)
    }
    state.owner = session
    state.count = count
    ports[port] = state
    return .done
  }

  private func turn(_ port: UInt16, count: UInt64, matching rules: Set<String>, for session: AgentSession) -> Outcome {
    let exclusive = rules.subtracting(World.copies)
    let rivals = (ports[port]?.personal ?? []).filter {
      $0.session !== session && !$0.rules.isDisjoint(with: exclusive)
    }
    let before = hosts(of: port)
    guard rivals.allSatisfy({ $0.count <= count }) else { return .superseded }
    for rival in rivals {
      unturn(port, for: rival.session, matching: true)
      guard rival.session.isOpen, world.planted != .untoldRule else { continue }
      rival.session.laptop.heard(.superseded(port: port), from: rival.session)
    }
    unturn(port, for: session, matching: true)
    ports[port, default: Port()].personal.append(Personal(session: session, count: count, rules: rules))
    if exclusive.isEmpty {
      for (former, present) in zip(before, hosts(of: port)) where former !== session.laptop && former !== present {
        world.fail("the mirror of \(session.laptop.holder) takes requests to port \(port)")
      }
    }
    return .done
  }

  private func hosts(of port: UInt16) -> [Laptop?] { ([nil] + World.rules).map { host(of: port, rule: $0) } }

  func unturn(_ port: UInt16, for session: AgentSession, matching: Bool) {
    if matching {
      ports[port]?.personal.removeAll { $0.session === session }
    } else if ports[port]?.owner === session {
      ports[port]?.owner = nil
    }
  }
}
