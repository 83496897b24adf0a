import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

// The undoing of an intercept, so that no new connection is lost: the agent turns to the origin, the Service gets its
// selector, the agent leaves the endpoints, and is removed only when the host's connections have drained.

extension Interception {
  /// Returns once new connections go to the origin and the Service is as it was. `finish` does the rest.
  ///
  /// A failure, or a cancellation, leaves the intercept as it was if that is possible; else connections go to the
  /// origin, and the state says so. Without an answer of the API server that takes about 20 s.
  public func leave(progress: Engine.Progress) async throws(ControlError) {
    if undoing != nil {
      guard let problem = await waitForUndoing(.seconds(20)) else { return }
      throw ControlError(
        .incomplete, "\(request.service) is still being undone: \(problem.message)", remedy: problem.remedy)
    }
    await stopGuard()
    let wasTurned = isTurned
    state = .leaving
    do throws(ControlError) {
      try await divertBack(progress)
    } catch {
      // Run in another task: this one may be cancelled.
      if let problem = await Task(operation: { await stay(after: error, wasTurned: wasTurned) }).value { throw problem }
    }
  }

  func divertBack(_ progress: Engine.Progress) async throws(ControlError) {
    isTurned = false
    // If someone has taken the intercept over since the last renewal, leave it to them.
    if isDiverted, let lease = lease(within: .seconds(6)), try await !isStillOurs(lease) { await lost() }
    guard isDiverted, let plan else { return }
    if request.replace { try await bringOriginBack(plan, progress) }
    // An agent that can no longer reach the origin keeps using the host until kube-proxy has followed.
    let reaches = await agentReachesOrigin(plan)
    // Without a session the agent has already turned by itself.
    if reaches, let link { _ = try? await link.ask(ControlMessage(.turnToOrigin, port: 0), within: .seconds(2)) }
    try await ServiceDivert.restore(client: client.within(.seconds(8)), namespace: namespace, service: plan.service)
    isDiverted = false
    hasGivenBack = false
    await giveBackOthers(plan)
  }

  /// Gives back further Services that select the agent, before it leaves the endpoints. If one cannot be given back,
  /// the agent stays, and `tearDown` reports the reason.
  func giveBackOthers(_ plan: InterceptPlan) async { _ = try? await diverted(plan).giveBack() }

  private func diverted(_ plan: InterceptPlan) -> DivertedServices {
    DivertedServices(client: client.within(.seconds(8)), namespace: namespace, workload: plan.workload.name)
  }

  private func agentReachesOrigin(_ plan: InterceptPlan) async -> Bool {
    guard let link, let port = plan.ports.first(where: { $0.localPort != nil })?.podPort else { return true }
    guard await !link.figures().isSilent else { return true }
    let answer = try? await link.ask(ControlMessage(.probeOrigin, port: port), within: .seconds(3))
    return answer == nil || answer?.flag == StreamStatus.connected.rawValue
  }

  /// Resumes the intercept after a `leave` that failed, or explains why it cannot.
  /// - Returns: the error to report; nil if the Service is as it was after all.
  private func stay(after failure: ControlError, wasTurned: Bool) async -> ControlError? {
    // The change may have succeeded, and only its answer was lost.
    if (try? await ServiceDivert.stands(
      client: client.within(.seconds(3)), namespace: namespace, service: request.service)) == false
    {
      isDiverted = false
      hasGivenBack = false
      return nil
    }
    defer { startGuard() }
    let again = "run `devtunnel leave \(request.service)` again"
    if wasTurned, let plan, let link, await !link.figures().isSilent, (try? await turnToHost(plan, link)) != nil {
      isTurned = true
      state = .active
      isToBeLeft = false
      message = "leave failed: \(failure.message); the intercept goes on, \(again)"
      return ControlError(
        failure.code, failure.message, remedy: "The intercept goes on as before; \(again).", details: failure.details)
    }
    isToBeLeft = true
    retryAt = .now + .seconds(10)
    state = .failedOpen
    message = "leave failed: \(failure.message); new connections go to the origin, \(again)"
    return ControlError(
      failure.code, "\(request.service) cannot be undone now: \(failure.message)",
      remedy: "New connections go to the origin; \(again) once the API server answers.", details: failure.details)
  }

  private func bringOriginBack(_ plan: InterceptPlan, _ progress: Engine.Progress) async throws(ControlError) {
    progress("scaling \(plan.workload.description) back to \(plan.workload.replicas)")
    try await Replicas.restore(
      client: client.within(.seconds(8)), namespace: namespace, resource: plan.workload.resource,
      name: plan.workload.name, replicas: plan.workload.replicas)
    guard let link, let port = plan.ports.first(where: { $0.localPort != nil })?.podPort else { return }
    for _ in 0..<120 {
      try Self.checkCancelled()
      if let answer = try? await link.ask(ControlMessage(.probeOrigin, port: port)),
        answer.flag == StreamStatus.connected.rawValue
      {
        return
      }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Removes the agent once nothing needs it.
  /// - Parameter drain: the time that connections on the host may still last.
  /// - Returns: the number of connections that were cut.
  public func finish(drain: Duration) async -> Int {
    await stopGuard()
    for keeper in keepers { keeper.cancel() }
    keepers = []
    let cut = await drainAgent(within: drain)
    while await !tearDown(), !isGivenUp {
      for _ in 0..<40 where !isGivenUp { try? await Task.sleep(for: .milliseconds(250)) }
    }
    renewal?.cancel()
    return cut
  }

  /// Takes the agent out of the endpoints, and waits for the host's connections to end.
  @discardableResult
  func drainAgent(within drain: Duration) async -> Int {
    guard let plan, let link, deployer != nil else { return 0 }
    // An agent that a Service still selects stays one of its endpoints.
    if let selecting = try? await diverted(plan).all(), selecting.isEmpty {
      await unlessHurried { [self] in await leaveEndpoints(plan, link) }
    }
    return await drainHost(link, within: drain)
  }

  private func leaveEndpoints(_ plan: InterceptPlan, _ link: AgentLink) async {
    _ = try? await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(30)
    ) { !$0.origin.isEmpty }
    _ = try? await link.ask(.retire)
    _ = try? await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(15)
    ) { $0.agents.isEmpty }
    // kube-proxy follows the EndpointSlices up to a second late on every node.
    try? await Task.sleep(for: .seconds(1))
  }

  /// Speeds the end up, since the workload's next intercept waits for it. The agent's Pod is deleted without waiting
  /// for its readiness probe to fail: it then leaves the endpoints at once, and keeps taking connections to the origin
  /// until no kube-proxy sends it any.
  public func hurry() { isHurried = true }

  /// Runs the work, but ends it early once there is a hurry.
  private func unlessHurried(_ work: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask(operation: work)
      group.addTask { [self] in
        while await !isHurried, (try? await Task.sleep(for: .milliseconds(20))) != nil {}
      }
      await group.next()
      group.cancelAll()
    }
  }

  /// Counts the connections that the host still holds.
  public func openConnections() async -> Int {
    guard let link else { return 0 }
    return await link.onLoop { $0.router.open.values.reduce(0, +) }
  }

  private func drainHost(_ link: AgentLink, within limit: Duration) async -> Int {
    let deadline = ContinuousClock.now + limit
    while await openConnections() > 0 {
      guard ContinuousClock.now < deadline else { break }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return await link.onLoop { $0.router.cut() }
  }

  /// Removes what is ours from the cluster.
  /// - Returns: true if nothing of ours is left.
  func tearDown() async -> Bool {
    agentUID = link?.identity.uid ?? agentUID
    await link?.stop()
    link = nil
    do throws(ControlError) {
      // Someone may have taken it over since the last look, with the running agent: during the drain, or while the API
      // server was away.
      if !isLost, deployer != nil, let lease = lease(within: .seconds(5)), try await !isStillOurs(lease) {
        await lost()
      }
      if isLost { try await giveBackUnheld() }
      if let deployer {
        let removal = AgentRemoval(
          client: client.within(.seconds(10)), namespace: namespace, workload: deployer.manifests.workload)
        try await removal.remove(uid: agentUID)
      }
      deployer = nil
      renewal?.cancel()
      await renewal?.value
      try await lease(within: .seconds(5))?.release(transitions: transitions)
    } catch {
      stay(behind: error, agent: deployer != nil)
      return false  // the journal keeps it for the next daemon
    }
    remains = nil
    isRefused = false
    context.journal.remove(entry)
    return true
  }
}
