extension InterceptMachine {
  /// Takes the outcome of a step: its lane is free again.
  mutating func finished(_ step: Step, _ outcome: Outcome, at now: Instant) {
    if busy[step.lane] == step { busy[step.lane] = nil }
    if case .failed(let failure) = outcome { return failed(step, failure, at: now) }
    retryAt[step] = nil
    switch step {
    case .join(let wishes): joined(wishes, outcome)
    case .verify:
      if case .read(let claims) = outcome { take(claims) }
    case .divert(let service):
      if case .read(let claims) = outcome { return take(claims) }
      services[service]?.obstacle = nil
      saw(.diverted, of: service, at: now)
    case .restore(let service, _):
      services[service]?.obstacle = nil
      if outcome == .kept {
        services[service]?.isKept = true
        if services[service]?.restoredAt == nil { services[service]?.restoredAt = now }
      } else {
        saw(.own(changedBy: nil), of: service, at: now)
      }
    case .release(let names):
      for name in names where services[name]?.isWanted == false {
        services[name]?.isReleased = true
        services[name]?.releasedAt = now
        if outcome == .released(isLast: true) { services[name]?.isLast = true }
      }
      claims.remove(names, of: holder)
      if outcome == .released(isLast: true) { (claims.ports, claims.personal) = ([:], [:]) }
    case .clean(let names):
      for name in names.sorted() where services[name]?.isWanted == false {
        if let facts = services.removeValue(forKey: name) { ended.append((name, facts)) }
      }
    case .scaleDown: isScaledDown = true
    case .scaleUp: isScaledDown = false
    case .probe(let port):
      ports[port]?.origin = .reached
      ports[port]?.attempts = 0
    case .admit:
      isAdmitted = session == .open
      if case .admitted(isSteady: false) = outcome { steadyAt = now + .seconds(5) }
    case .arrive(let service): if services[service]?.isDiverted == true { services[service]?.hasArrived = true }
    case .turn(let port, let count, let rules):
      if outcome == .superseded {
        isVerified = false
        retryAt[step] = now + .seconds(1)
      } else if session != .down, !isAgentEnding,
        claims.all.contains(where: { $0.port == port && $0.claim.count == count })
      {
        unturned(port, matching: rules != nil)
        ports[port]?.turned.append(Share(count: count, rules: rules))
      }
    case .unturn(let port, let matching): unturned(port, matching: matching)
    case .retire:
      isRetired = wanted.isEmpty
      isAdmitted = false
    case .drain(let service, _, _):
      services[service]?.isDrained = true
      if case .drained(let cut) = outcome { services[service]?.cut = cut }
    }
  }

  private mutating func unturned(_ port: UInt16, matching: Bool) {
    ports[port]?.turned.removeAll { $0.isWhole != matching }
  }

  private mutating func joined(_ wishes: [Wish], _ outcome: Outcome) {
    switch outcome {
    case .joined(let claims, let agent):
      if agent != self.agent {
        self.agent = agent
        for port in ports.keys {
          ports[port]?.origin = .unknown
          ports[port]?.attempts = 0
        }
      }
      isAgentDeleted = false
      for name in services.keys { services[name]?.isLast = false }
      for wish in wishes {
        services[wish.service]?.isClaimed = true
        services[wish.service]?.isKept = false
      }
      take(claims)
    case .conflict(let holders): for wish in wishes { end(wish.service, .refused(holders)) }
    default: break
    }
  }

  /// Takes the claims as they are in the cluster: a Service none of whose ports is ours is lost.
  private mutating func take(_ claims: Claims?) {
    guard let claims else { return noteDeletedAgent() }
    self.claims = claims
    isVerified = true
    for name in wanted where services[name]?.isClaimed == true && held(name).isEmpty {
      guard let wish = services[name]?.wish else { continue }
      end(name, .lost(to: claims.others(than: holder, on: wish.ports, rules: wish.rules)))
    }
  }

  private mutating func failed(_ step: Step, _ failure: Failure, at now: Instant) {
    switch step {
    case .join(let wishes):
      for wish in wishes { giveUp(wish.service, failure) }
    case .divert(let service):
      retryAt[step] = now + .seconds(5)
      giveUp(service, failure)
    case .restore(let service, _):
      services[service]?.obstacle = failure
      retryAt[step] = now + .seconds(services[service]?.isWanted == true ? 1 : 10)
    case .release(let names), .clean(let names):
      for name in names { services[name]?.obstacle = failure }
      retryAt[step] = now + .seconds(10)
    case .scaleDown, .scaleUp:
      for name in services.keys where services[name]?.wish.replaces == true { giveUp(name, failure) }
      retryAt[step] = now + .seconds(10)
    case .verify: retryAt[step] = now + .seconds(1)
    case .probe(let port):
      let attempts = (ports[port]?.attempts ?? 0) + 1
      ports[port]?.attempts = attempts
      retryAt[step] = now + .milliseconds(250)
      if ports[port]?.origin == .reached {
        if attempts > 1 { ports[port]?.origin = .unreached }
      } else if !services.values.contains(where: { $0.wish.ports.contains(port) }), !failure.isPassing {
        // Nothing serves this port, although a Service targets it: the intercept takes nothing away.
        ports[port]?.origin = .missing
      } else if !failure.isPassing, attempts >= 4 {
        ports[port]?.attempts = 0
        for name in wanted { giveUp(name, failure) }
      }
    case .unturn(let port, let matching): unturned(port, matching: matching)
    case .retire:
      isRetired = wanted.isEmpty
      isAdmitted = false
    case .arrive(let service): services[service]?.hasArrived = true
    case .admit, .turn: retryAt[step] = now + .milliseconds(500)
    case .drain(let service, _, _): services[service]?.isDrained = true
    }
  }

  /// Ends an intercept that has never been active; another is tried again.
  mutating func giveUp(_ service: String, _ failure: Failure) {
    guard let facts = services[service], facts.isWanted else { return }
    if facts.wasActive {
      services[service]?.obstacle = failure
    } else {
      end(service, .failed(failure), drain: .seconds(5))
    }
  }
}
