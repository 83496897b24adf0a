/// Decides about one holder's intercepts of the Services of one workload. It has no clock and does no I/O: observations
/// come in, steps come out.
///
/// It is level-triggered: the next step follows from what is known now, not from what was done before, so that any
/// state that a crash or another person leaves leads back to what is wanted.
public struct InterceptMachine: Sendable {
  enum Session: Hashable, Sendable { case down, open, silent }

  public let holder: String
  /// The ports on which the agent listens.
  public private(set) var listens: Set<UInt16>
  public internal(set) var services: [String: ServiceFacts] = [:]
  /// Services that are done with, for the caller to take.
  public internal(set) var ended: [(service: String, facts: ServiceFacts)] = []
  var ports: [UInt16: PortFacts] = [:]
  var session = Session.down
  /// The claims, as far as is known.
  public internal(set) var claims = Claims()
  /// Identifies the agent that carries the claims.
  var agent: String?
  /// True once the claims were read after the session opened: a laptop that wakes may have lost them.
  var isVerified = false
  /// True once the agent is ready by our session.
  var isAdmitted = false
  /// The time from which the endpoints tell whether the agent is ready.
  var steadyAt: Instant = .zero
  var isAgentEnding = false
  var isAgentDeleted = false
  var isRetired = false
  var isScaledDown = false
  var isHurried = false
  var busy: [Step.Lane: Step] = [:]
  /// The times before which steps that failed are not tried again.
  var retryAt: [Step: Instant] = [:]

  public init(holder: String, listens: Set<UInt16>) {
    self.holder = holder
    self.listens = listens
    for port in listens { ports[port] = PortFacts() }
  }

  /// The wanted Services' names, sorted.
  var wanted: [String] { services.filter { $0.value.isWanted }.keys.sorted() }
  /// True if nothing is left to do or to watch.
  public var isOver: Bool { services.isEmpty && busy.isEmpty }

  // MARK: Observations

  /// Takes an observation. Nothing else changes the facts.
  public mutating func observe(_ observation: Observation, at now: Instant) {
    switch observation {
    case .intercept(let wish): begin(wish, at: now)
    case .undo(let wish):
      begin(wish, at: now)
      services[wish.service]?.isClaimed = true
      end(wish.service, .left, drain: .zero)
    case .leave(let service, let drain): end(service, .left, drain: drain)
    case .hurry: isHurried = true
    case .selector(let service, let selector): saw(selector, of: service, at: now)
    case .listed(let service, let listed):
      services[service]?.listed = listed
      noteAbsence(of: service, at: now)
    case .agentDeleted: noteDeletedAgent()
    case .session(let event): saw(event)
    case .agentEnds:
      isAgentEnding = true
      unturnAll()
    case .superseded(let port):
      ports[port]?.turned = []
      isVerified = false
    case .finished(let step, let outcome): finished(step, outcome, at: now)
    }
    noteStages(at: now)
  }

  private mutating func begin(_ wish: Wish, at now: Instant) {
    var facts = ServiceFacts(wish, at: now)
    if let known = services[wish.service] {
      facts.selector = known.selector
      facts.listed = known.listed
      facts.divertedAt = known.divertedAt
    }
    services[wish.service] = facts
    listens.formUnion(wish.listens)
    for port in wish.listens where ports[port] == nil { ports[port] = PortFacts() }
    for port in wish.ports where ports[port]?.origin == .missing { ports[port]?.origin = .unknown }
    if isRetired || busy[.agent] == .retire { isAdmitted = false }
    isRetired = false
    noteAbsence(of: wish.service, at: now)
  }

  mutating func end(_ service: String, _ reason: ServiceFacts.End, drain: Duration = .seconds(30)) {
    guard services[service]?.end == nil else { return }
    services[service]?.end = reason
    services[service]?.drain = drain
    services[service]?.obstacle = nil
    services[service]?.isKept = false
  }

  mutating func saw(_ selector: Selector, of service: String, at now: Instant) {
    guard var facts = services[service] else { return }
    let isNews = facts.selector != selector
    facts.selector = selector
    switch selector {
    case .diverted:
      facts.wasDiverted = true
      facts.divertedAt = facts.divertedAt ?? now
      if !facts.isKept { facts.restoredAt = nil }
    case .own, .gone:
      facts.divertedAt = nil
      facts.hasArrived = false
      facts.isKept = false
      if isNews || facts.restoredAt == nil { facts.restoredAt = facts.restoredAt ?? now }
    }
    services[service] = facts
    noteAbsence(of: service, at: now)
  }

  private mutating func noteAbsence(of service: String, at now: Instant) {
    guard let facts = services[service] else { return }
    let isAbsent = facts.isDiverted && !facts.listed.agents
    services[service]?.absentSince = isAbsent ? facts.absentSince ?? now : nil
  }

  mutating func noteDeletedAgent() {
    isAgentDeleted = true
    claims = Claims()
  }

  private mutating func saw(_ event: SessionEvent) {
    switch event {
    case .opened:
      session = .open
      isVerified = false
      isAdmitted = false
      isAgentEnding = false
      unturnAll()
    case .closed:
      session = .down
      isAdmitted = false
      unturnAll()
    case .silent: if session == .open { session = .silent }
    case .heardAgain: if session == .silent { session = .open }
    }
  }

  private mutating func unturnAll() { for port in ports.keys { ports[port]?.turned = [] } }

  // MARK: Stages

  /// The ports of a Service that are ours.
  func held(_ service: String) -> Set<UInt16> {
    services[service]?.wish.ports.filter { claim(to: $0, through: service) != nil } ?? []
  }

  /// Returns our claim to a port through a Service, as far as is known.
  public func claim(to port: UInt16, through service: String) -> Claim? {
    claims.claim(of: holder, to: port, through: service)
  }

  private mutating func noteStages(at now: Instant) {
    for name in services.keys {
      let phase = phase(of: name)
      if phase == .active { services[name]?.wasActive = true }
      guard services[name]?.stage != phase else { continue }
      services[name]?.stage = phase
      services[name]?.stageSince = now
    }
  }
}

extension InterceptMachine {
  /// True unless the intercept of a Service ends, or there is none.
  public func isWanted(_ service: String) -> Bool { services[service]?.isWanted ?? false }

  /// Forgets the Services that are done with.
  public mutating func forgetEnded() { ended = [] }

  /// True if the Lease is to be renewed: until the last claims are being released.
  public var needsLease: Bool {
    guard case .clean(let names) = busy[.cluster] else { return !services.isEmpty }
    return !names.isSuperset(of: services.keys)
  }

  /// The ports of a Service that are ours, as far as is known.
  public func ports(of service: String) -> Set<UInt16> { held(service) }

  /// The other holders of the workload's ports, with the Services of each, as far as is known.
  public var others: [String: Set<String>] { claims.others(than: holder) }

  /// True if all of a port is ours, as far as is known.
  public func holds(_ port: UInt16) -> Bool { claims.ports[port]?.holder == holder }

  /// True if a Service's claims are ours, as far as is known.
  public var hasClaims: Bool { services.values.contains { $0.isClaimed && $0.isWanted } }
}
