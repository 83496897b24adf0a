extension InterceptMachine {
  /// The time without a ready agent after which a Service gets its selector back. A new Pod is ready in about this time
  /// if its node has the image; the old Pod accepts connections as long.
  static let patience = Duration.seconds(2)
  /// The time after which kube-proxy has followed the EndpointSlices on every node.
  public static let proxyLag = Duration.seconds(1)

  /// Returns the next steps, at most one for each idle lane, and the time at which to ask again if nothing is observed
  /// until then. The steps count as begun: each must be reported as finished.
  public mutating func next(at now: Instant) -> (steps: [Step], wakeAt: Instant?) {
    giveUpLate(at: now)
    var steps: [Step] = []
    var alarm = Alarm(now: now)
    for lane in Step.Lane.allCases where busy[lane] == nil {
      let candidates =
        switch lane {
        case .cluster: clusterSteps(&alarm)
        case .agent: agentSteps(&alarm)
        case .host: hostSteps(&alarm)
        }
      for step in candidates where retryAt[step].map({ alarm.isDue($0) }) ?? true {
        busy[lane] = step
        steps.append(step)
        break
      }
    }
    for facts in services.values where facts.isWanted && !facts.wasActive {
      if let limit = Self.limit(of: facts.stage) { alarm.set(facts.stageSince + limit) }
    }
    return (steps, alarm.time)
  }

  /// The earliest of the times at which something is due.
  struct Alarm {
    let now: Instant
    var time: Instant?

    mutating func set(_ other: Instant) { time = min(time ?? other, other) }

    /// Checks whether a time has come, and sets the alarm if it has not.
    mutating func isDue(_ other: Instant) -> Bool {
      if other <= now { return true }
      set(other)
      return false
    }
  }

  private mutating func giveUpLate(at now: Instant) {
    for (name, facts) in services where facts.isWanted && !facts.wasActive {
      guard let limit = Self.limit(of: facts.stage), now - facts.stageSince >= limit else { continue }
      end(name, .late(facts.stage), drain: .seconds(5))
    }
  }

  // MARK: In the cluster

  /// Returns what is to be done in the cluster, the most urgent first.
  private func clusterSteps(_ alarm: inout Alarm) -> [Step] {
    let names = services.keys.sorted()
    var steps: [Step] = []
    let replaced = names.filter { services[$0]?.wish.replaces == true }
    if isScaledDown, replaced.contains(where: { services[$0]?.isWanted == false }) { steps.append(.scaleUp) }
    for name in names {
      guard let facts = services[name], facts.isDiverted else { continue }
      if !facts.isWanted {
        let isUp = !isScaledDown || !facts.wish.replaces
        if !facts.isKept, isUp, !isUnturnPending(facts) { steps.append(.restore(service: name, always: false)) }
      } else if isAgentDeleted {
        if !facts.isKept { steps.append(.restore(service: name, always: false)) }
      } else if !isScaledDown, let since = facts.absentSince, alarm.isDue(since + Self.patience) {
        steps.append(.restore(service: name, always: true))
      }
    }
    if session == .open, !isVerified, !isAgentDeleted, services.values.contains(where: { $0.isClaimed && $0.isWanted })
    {
      steps.append(.verify)
    }
    let unclaimed = names.compactMap { services[$0] }.filter { $0.isWanted && !$0.isClaimed && $0.selector != .gone }
    if !unclaimed.isEmpty { steps.append(.join(unclaimed.map(\.wish))) }
    for name in names where isToBeDiverted(name) && alarm.isDue(steadyAt) { steps.append(.divert(service: name)) }
    if !isScaledDown, replaced.contains(where: { phase(of: $0) == .active }) { steps.append(.scaleDown) }
    let released = Set(names.filter { isReleasable($0, &alarm) })
    if !released.isEmpty { steps.append(.release(services: released)) }
    let done = Set(names.filter { services[$0]?.isDrained == true && services[$0]?.isReleased == true })
    if !done.isEmpty { steps.append(.clean(services: done)) }
    return steps
  }

  private func isToBeDiverted(_ name: String) -> Bool {
    guard let facts = services[name], facts.isWanted, facts.isClaimed, case .own = facts.selector else { return false }
    return facts.changedBy == nil && session == .open && isVerified && isAdmitted && isOriginReached && !isAgentEnding
      && !isAgentDeleted && facts.listed.agents && !held(name).isEmpty
  }

  /// True if the agent is to turn the ending Service's ports to the origin first.
  private func isUnturnPending(_ facts: ServiceFacts) -> Bool {
    session == .open && facts.wish.ports.contains { !surplus(of: $0).isEmpty }
  }

  /// True if nothing of an ending Service is left but our claims, and the origin is in its endpoints again.
  private func isReleasable(_ name: String, _ alarm: inout Alarm) -> Bool {
    guard let facts = services[name], !facts.isWanted, !facts.isReleased else { return false }
    if !facts.isClaimed, case .refused = facts.end { return true }
    guard let selector = facts.selector, !facts.isDiverted || facts.isKept else { return false }
    guard !isHurried, !facts.isKept, selector != .gone, !facts.listed.origin, let restored = facts.restoredAt else {
      return true
    }
    return alarm.isDue(restored + .seconds(30))
  }

  // MARK: At the agent

  /// Returns what is to be asked of the agent, the most urgent first.
  private func agentSteps(_ alarm: inout Alarm) -> [Step] {
    guard session == .open else { return [] }
    var steps: [Step] = []
    for port in ports.keys.sorted() {
      for share in surplus(of: port) where !isOriginMissing(port, &alarm) {
        steps.append(.unturn(port: port, matching: !share.isWhole))
      }
    }
    guard !wanted.isEmpty else { return steps + [retirement].compactMap(\.self) }
    guard isVerified, !isAgentEnding else { return steps }
    if !isScaledDown {
      for port in listens.sorted() where ports[port]?.origin == .unknown { steps.append(.probe(port: port)) }
    }
    if !isAdmitted, isOriginReached { steps.append(.admit) }
    for port in ports.keys.sorted() {
      for share in shares(of: port) where ports[port]?.turned.contains(share) == false {
        steps.append(.turn(port: port, count: share.count, rules: share.rules))
      }
    }
    for name in wanted {
      guard let facts = services[name], facts.isDiverted, !facts.hasArrived, facts.listed.agents else { continue }
      if !facts.listed.origin || alarm.isDue((facts.divertedAt ?? alarm.now) + .seconds(15)) {
        steps.append(.arrive(service: name))
      }
    }
    return steps
  }

  /// Returns the parts of a port that are to go to the host now: all of it, and what meets the rules of our intercepts.
  private func shares(of port: UInt16) -> [Share] {
    let own = services.compactMap { name, facts in
      let arrives = facts.isWanted && facts.isDiverted && facts.hasArrived && facts.wish.ports.contains(port)
      return arrives ? claim(to: port, through: name) : nil
    }
    let whole = own.first { $0.rules == nil }.map { Share(count: $0.count) }
    let personal = own.filter { $0.rules != nil }
    let matching = personal.map(\.count).max().map { count in
      Share(count: count, rules: personal.reduce(into: []) { $0.formUnion($1.rules ?? []) })
    }
    return [whole, matching].compactMap(\.self)
  }

  /// Returns the parts of a port that go to the host, and of whose kind nothing is to go there any more.
  private func surplus(of port: UInt16) -> [Share] {
    let shares = shares(of: port)
    return (ports[port]?.turned ?? []).filter { turned in !shares.contains { $0.isWhole == turned.isWhole } }
  }

  /// True if connections stay with the host since the origin does not answer: kube-proxy may still send some here.
  private func isOriginMissing(_ port: UInt16, _ alarm: inout Alarm) -> Bool {
    guard ports[port]?.origin == .unreached else { return false }
    let ending = services.values.filter { $0.wish.ports.contains(port) }
    guard ending.allSatisfy({ !$0.isWanted }) else { return false }
    guard ending.allSatisfy({ $0.restoredAt != nil }), let last = ending.compactMap(\.restoredAt).max() else {
      return true
    }
    return !alarm.isDue(last + (ending.map(\.wish.lag).max() ?? Self.proxyLag))
  }

  /// Takes the agent out of the endpoints once its last claims are gone.
  private var retirement: Step? {
    guard !isRetired, !isAgentDeleted, claims.isEmpty, services.values.contains(where: { $0.isLast }),
      services.values.allSatisfy({ $0.isReleased && !$0.isDiverted })
    else { return nil }
    return .retire
  }

  // MARK: On the host

  private func hostSteps(_ alarm: inout Alarm) -> [Step] {
    services.keys.sorted().compactMap { name in
      guard let facts = services[name], !facts.isWanted, !facts.isDrained, facts.isReleased else { return nil }
      guard isHurried || isOutOfEndpoints(facts, &alarm) else { return nil }
      return .drain(service: name, ports: exclusive(facts), limit: facts.drain)
    }
  }

  /// True once no more connections of the Service come to the agent, as far as can be known. An agent that
  /// others use stays an endpoint, and passes connections to the origin.
  private func isOutOfEndpoints(_ facts: ServiceFacts, _ alarm: inout Alarm) -> Bool {
    guard facts.isClaimed, !facts.isKept, facts.selector != .gone, let released = facts.releasedAt else { return true }
    if facts.isLast, wanted.isEmpty, session == .open, !isAgentDeleted {
      if facts.listed.agents, !alarm.isDue(released + .seconds(15)) { return false }
    }
    return alarm.isDue(released + facts.wish.lag)
  }

  /// The ports that no other Service of ours uses.
  private func exclusive(_ facts: ServiceFacts) -> Set<UInt16> {
    facts.wish.ports.filter { port in
      !services.values.contains { $0.isWanted && $0.wish.ports.contains(port) }
    }
  }
}
