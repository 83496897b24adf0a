import InterceptMachine

// Everything that reaches the daemon unasked: watches, and the session with the agent.

extension Laptop {
  // MARK: Watches

  /// Begins to watch a Service: the first event has its present state.
  func follow(_ name: String) {
    serviceChanged(name)
    endpointsChanged(name)
  }

  func serviceChanged(_ name: String) {
    guard machine?.services[name] != nil, cluster.services[name] != nil else { return }
    deliver("s" + name) { [self] in
      guard let service = cluster.services[name], service.exists else { return .selector(service: name, .gone) }
      return .selector(service: name, service.isDiverted ? .diverted : .own(changedBy: service.changedBy))
    }
  }

  func endpointsChanged(_ name: String) {
    guard machine?.services[name] != nil else { return }
    deliver("e" + name) { [self] in
      let endpoints = cluster.slices[name] ?? Cluster.Endpoints()
      return .listed(service: name, Listed(agents: !endpoints.agents.isEmpty, origin: endpoints.origin))
    }
  }

  /// Delivers an event of a watch in order, late at times. A watch that was broken begins anew with the present state.
  private func deliver(_ watch: String, _ state: @escaping () -> Observation) {
    let old = state()
    var delay = world.dice.time(2...80)
    if world.dice.hits(3) { delay += world.dice.time(500...6000) }
    let due = max(watchDue[watch] ?? 0, world.now + delay)
    watchDue[watch] = due
    let isBroken = world.dice.hits(5)
    let life = life
    func arrive() {
      guard self.life == life else { return }
      // Without a network or an API server the watch begins anew later.
      if !hasNetwork || !cluster.isUp { return world.after(700) { arrive() } }
      let wasHeld = isFrozen
      run { self.observe(wasHeld || isBroken || due < self.world.now ? state() : old) }
    }
    world.at(due) { arrive() }
  }

  func agentDeleted(_ uid: Int) {
    guard self.uid == uid else { return }
    later(world.dice.time(10...3000)) { [self] in
      // An agent of that name that is not ours to know is a later matter.
      guard self.uid == uid, cluster.deployment?.uid != uid else { return }
      observe(.agentDeleted)
    }
  }

  // MARK: The session

  func dial() {
    guard isAlive, session == nil, !isDialing, uid != nil, machine?.services.isEmpty == false else { return }
    isDialing = true
    later(world.dice.time(30...400)) { [self] in
      isDialing = false
      guard session == nil, let uid else { return }
      guard hasNetwork, cluster.isUp, let pod = cluster.pod(of: uid), cluster.kubeletStopped[pod.node] == nil else {
        return redial(uid)
      }
      let new = AgentSession(self, pod)
      pod.open(new)
      session = new
      observe(.session(.opened))
    }
  }

  private func redial(_ uid: Int) {
    if hasNetwork, cluster.isUp, cluster.deployment?.uid != uid {
      self.uid = nil
      return observe(.agentDeleted)
    }
    later(world.dice.time(300...2000)) { self.dial() }
  }

  func sessionClosed(_ closed: AgentSession) {
    guard closed.life == life, session === closed else { return }
    session = nil
    run {
      self.observe(.session(.closed))
      self.dial()
    }
  }

  /// Takes a message that the agent sends unasked.
  func heard(_ observation: Observation, from session: AgentSession) {
    guard session.life == life else { return }
    later(world.dice.time(1...40)) { [self] in
      if self.session === session { observe(observation) }
    }
  }

  /// Turns to the agent of a Deployment.
  func adopt(_ uid: Int) {
    guard self.uid != uid else { return dial() }
    self.uid = uid
    if let session {
      self.session = nil
      session.pod.close(session)
      observe(.session(.closed))
    }
    dial()
  }
}
