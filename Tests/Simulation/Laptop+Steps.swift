import InterceptMachine

// The steps as the daemon does them: a few requests each, any of which can fail.

extension Laptop {
  func perform(_ step: Step) {
    switch step {
    case .join(let wishes): join(step, wishes, attempt: 0)
    case .verify:
      call {
        $0.deployment?.claims
      } then: { [self] in
        switch $0 {
        case .success(let claims): finish(step, .read(claims))
        case .failure(let failure): finish(step, .failed(failure))
        }
      }
    case .divert(let service): divert(step, service)
    case .restore(let service, let always): restore(step, service, always)
    case .release(let services): release(step, services, attempt: 0)
    case .clean: clean(step)
    case .scaleDown, .scaleUp: later(100) { self.finish(step, .done) }
    case .drain(_, _, let limit):
      let time = world.dice.hits(50) ? 0 : min(Int(limit / .milliseconds(1)), world.dice.time(0...3000))
      later(time) { [self] in finish(step, .drained(cut: 0)) }
    case .probe, .admit, .arrive, .turn, .unturn, .retire: ask(step)
    }
  }

  // MARK: At the agent

  private func ask(_ step: Step) {
    guard let session, session.isOpen else {
      return later(1) { self.finish(step, .failed(Failure("no session", isPassing: true))) }
    }
    var delay = world.dice.time(1...40)
    if case .arrive = step { delay = world.dice.time(100...2000) }
    let life = life
    world.after(delay) { [self] in
      guard self.life == life else { return }
      guard session.isOpen, hasNetwork, session.pod.accepts else {
        return later(2_000) { self.finish(step, .failed(Failure("the agent does not answer", isPassing: true))) }
      }
      let outcome = act(step, session)
      later(world.dice.time(1...20)) { [self] in
        guard self.session === session else {
          return finish(step, .failed(Failure("the session ended", isPassing: true)))
        }
        finish(step, outcome)
      }
    }
  }

  private func act(_ step: Step, _ session: AgentSession) -> Outcome {
    let pod = session.pod
    switch step {
    case .probe:
      return world.cluster.originIsReady ? .done : .failed(Failure("the origin does not answer", isPassing: true))
    case .admit:
      pod.admit(session)
      return .admitted(isSteady: pod.lastRetired.map { world.now - $0 > 5_000 } ?? true)
    case .turn(let port, let count, let rules): return pod.turn(port, count: count, rules: rules, for: session)
    case .unturn(let port, let matching): pod.unturn(port, for: session, matching: matching)
    case .retire: pod.retire(session)
    default: break
    }
    return .done
  }

  // MARK: In the cluster

  private func join(_ step: Step, _ wishes: [Wish], attempt: Int) {
    guard attempt < 5 else { return finish(step, .failed(Failure("the claims keep changing", isPassing: true))) }
    call {
      $0.deployment
    } then: { [self] result in
      guard case .success(let found) = result else { return finish(step, .failed(Self.noAnswer)) }
      let rivals = rivals(in: found, to: wishes)
      guard !rivals.isEmpty else { return take(step, wishes, over: found, attempt) }
      look(at: rivals) { [self] verdict in
        switch verdict {
        case .failure(let failure): finish(step, .failed(failure))
        case .success(.some(let living)):
          if wishes.allSatisfy(\.isMirror) { world.fail("a mirror of \(holder) is refused for \(rivals.sorted())") }
          finish(step, .conflict(living))
        case .success(nil):
          // Nobody renews them: they are taken.
          call {
            $0.deployment
          } then: { [self] result in
            guard case .success(let found) = result else { return finish(step, .failed(Self.noAnswer)) }
            guard self.rivals(in: found, to: wishes).isSubset(of: rivals) else {
              return join(step, wishes, attempt: attempt + 1)
            }
            take(step, wishes, over: found, attempt)
          }
        }
      }
    }
  }

  private func rivals(in found: Cluster.Deployment?, to wishes: [Wish]) -> Set<String> {
    guard let claims = found?.claims else { return [] }
    return wishes.reduce(into: []) { rivals, wish in
      if !wish.takesOver { rivals.formUnion(claims.others(than: holder, on: wish.ports, rules: wish.rules)) }
      guard world.planted == .exclusiveMirror, wish.isMirror else { return }
      for (port, claim) in claims.all where wish.ports.contains(port) && claim.holder != holder {
        if claim.rules?.isDisjoint(with: wish.rules ?? []) == false { rivals.insert(claim.holder) }
      }
    }
  }

  private func take(_ step: Step, _ wishes: [Wish], over found: Cluster.Deployment?, _ attempt: Int) {
    var claims = found?.claims ?? Claims()
    for wish in wishes { claims.take(wish.ports, of: wish.service, for: holder, rules: wish.rules) }
    if let found, wishes.allSatisfy(\.isMirror) {
      func others(_ claims: Claims) -> [UInt16: [Claim]] {
        Dictionary(grouping: claims.all.filter { $0.claim.holder != holder }, by: \.port).mapValues { $0.map(\.claim) }
      }
      if others(claims) != others(found.claims) { world.fail("a mirror of \(holder) changes others' claims") }
    }
    call { [self] cluster -> Int? in
      writeLease(cluster)
      guard let found else { return cluster.deployment == nil ? cluster.create(claims) : nil }
      return cluster.update(claims, from: found) ? found.uid : nil
    } then: { [self] result in
      renew()
      switch result {
      case .failure(let failure): finish(step, .failed(failure))
      case .success(nil): join(step, wishes, attempt: attempt + 1)
      case .success(.some(let uid)):
        adopt(uid)
        finish(step, .joined(claims, agent: "\(uid)"))
      }
    }
  }

  private func divert(_ step: Step, _ service: String) {
    call {
      $0.deployment?.claims
    } then: { [self] result in
      switch result {
      case .failure(let failure): finish(step, .failed(failure))
      case .success(let claims):
        guard let claims,
          claims.all.contains(where: { $0.claim.holder == holder && $0.claim.services.contains(service) })
        else { return finish(step, .read(claims)) }
        call { cluster -> Bool in
          guard cluster.services[service]?.exists == true else { return false }
          cluster.divert(service)
          return true
        } then: { [self] result in
          switch result {
          case .failure(let failure):
            if world.planted == .lostAnswer {
              // As an earlier version did: an error means that nothing was changed.
              return forget()
            }
            finish(step, .failed(failure))
          case .success(let exists):
            finish(step, exists ? .done : .failed(Failure("there is no such Service", isPassing: false)))
          }
        }
      }
    }
  }

  private func restore(_ step: Step, _ service: String, _ always: Bool) {
    func patch() {
      call {
        $0.restore(service)
      } then: { [self] result in
        if case .failure(let failure) = result { finish(step, .failed(failure)) } else { finish(step, .done) }
      }
    }
    guard !always else { return patch() }
    call {
      $0.deployment?.claims
    } then: { [self] result in
      switch result {
      case .failure(let failure): finish(step, .failed(failure))
      case .success(let claims):
        if claims?.others(than: holder, of: service).isEmpty == false { finish(step, .kept) } else { patch() }
      }
    }
  }

  private func release(_ step: Step, _ names: Set<String>, attempt: Int) {
    guard attempt < 5 else { return finish(step, .failed(Failure("the claims keep changing", isPassing: true))) }
    call {
      $0.deployment
    } then: { [self] result in
      guard case .success(let found) = result else {
        return finish(step, .failed(Self.noAnswer))
      }
      guard let found else { return finish(step, .released(isLast: false)) }
      var claims = found.claims
      claims.remove(names, of: holder)
      // A former attempt's answer may have been lost.
      if claims == found.claims { return finish(step, .released(isLast: claims.closer == holder)) }
      // Others may have kept it diverted, and have left since.
      let left = names.filter { machine?.services[$0]?.isKept == true && !claims.contains(service: $0) }
      guard claims.isEmpty || !left.isEmpty else { return write(step, claims, found, names, attempt) }
      call { cluster in
        // A Service that still selects the agent would have no endpoint.
        for name in claims.isEmpty ? cluster.names : left.sorted() where cluster.services[name]?.isDiverted == true {
          cluster.restore(name)
        }
      } then: { [self] result in
        if case .failure(let failure) = result { return finish(step, .failed(failure)) }
        write(step, claims, found, names, attempt)
      }
    }
  }

  private func write(
    _ step: Step, _ claims: Claims, _ found: Cluster.Deployment, _ names: Set<String>, _ attempt: Int
  ) {
    call {
      $0.update(claims, from: found)
    } then: { [self] result in
      switch result {
      case .failure(let failure): finish(step, .failed(failure))
      case .success(false): release(step, names, attempt: attempt + 1)
      case .success(true): finish(step, .released(isLast: claims.isEmpty))
      }
    }
  }

  private func clean(_ step: Step) {
    call {
      $0.deployment
    } then: { [self] result in
      guard case .success(let found) = result else {
        return finish(step, .failed(Self.noAnswer))
      }
      guard let found, found.claims.isEmpty && found.claims.closer == holder || world.planted == .twoServices else {
        return dropLease(step, unless: found?.claims.holders.contains(holder) ?? false)
      }
      call { cluster -> Bool in
        guard let present = cluster.deployment, present.uid == found.uid else { return true }
        guard present.version == found.version else { return false }
        cluster.removeDeployment()
        return true
      } then: { [self] result in
        switch result {
        case .failure(let failure): finish(step, .failed(failure))
        case .success(false): clean(step)
        case .success(true): dropLease(step)
        }
      }
    }
  }

  private func dropLease(_ step: Step, unless isNeeded: Bool = false) {
    guard !isNeeded else { return finish(step, .done) }
    guard renewals == 0 else { return later(50) { self.dropLease(step) } }
    call {
      $0.leases[self.holder] = nil
    } then: { [self] result in
      if case .failure(let failure) = result { finish(step, .failed(failure)) } else { finish(step, .done) }
    }
  }
}

extension Wish {
  /// True if it wants copies, and no request itself.
  var isMirror: Bool { rules?.isSubset(of: World.copies) == true }
}
