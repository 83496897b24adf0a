import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

// The way back, so that no new connection is lost: the agent turns to the origin, the Service gets its selector, the agent leaves the endpoints, and only then,
// when what the host still holds has drained, it goes.

extension Interception {
  /// Returns once new connections go to the origin and the Service is as it was. The rest is done by `finish`.
  ///
  /// What fails, or is cancelled, leaves the intercept as it was where that is possible; else connections go to the origin, and the state says so. Without an
  /// answer of the API server that takes about 20 s.
  public func leave(progress: Engine.Progress) async throws(ControlError) {
    if undoing != nil {
      if await waitForUndoing(.seconds(20)) { return }
      throw ControlError(.timedOut, "\(request.service) is still being undone: the API server does not answer", remedy: Self.stillTried)
    }
    await stopGuard()
    let wasTurned = isTurned
    state = .leaving
    do throws(ControlError) {
      try await divertBack(progress)
    } catch {
      // A task of its own: this one may be cancelled.
      if let problem = await Task(operation: { await stay(after: error, wasTurned: wasTurned) }).value { throw problem }
    }
  }

  private func divertBack(_ progress: Engine.Progress) async throws(ControlError) {
    isTurned = false
    // Who has taken it over since the last renewal keeps it.
    if (try? await lease(within: .seconds(6))?.renew(transitions: transitions)) == false { await lost() }
    guard isDiverted, let plan else { return }
    if request.replace { try await bringOriginBack(plan, progress) }
    // An agent that cannot reach the origin any more goes on to the host until kube-proxy has followed.
    let reaches = await agentReachesOrigin(plan)
    // Without a session the agent has turned by itself.
    if reaches, let link { _ = try? await link.ask(ControlMessage(.turnToOrigin, port: 0), within: .seconds(2)) }
    try await ServiceDivert.restore(client: client.within(.seconds(8)), namespace: namespace, service: plan.service)
    isDiverted = false
    hasGivenBack = false
  }

  private func agentReachesOrigin(_ plan: InterceptPlan) async -> Bool {
    guard let link, let port = plan.ports.first(where: { $0.host != nil })?.target else { return true }
    let answer = try? await link.ask(ControlMessage(.probeOrigin, port: port), within: .seconds(3))
    return answer?.flag != StreamStatus.timedOut.rawValue && answer?.flag != StreamStatus.refused.rawValue
  }

  /// After a `leave` that failed: the intercept goes on, or says why it does not.
  /// - Returns: what to tell; nil where the Service is as it was after all.
  private func stay(after failure: ControlError, wasTurned: Bool) async -> ControlError? {
    // The answer may have been lost, and not the change.
    if (try? await ServiceDivert.stands(client: client.within(.seconds(3)), namespace: namespace, service: request.service)) == false {
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
      return ControlError(failure.code, failure.message, remedy: "The intercept goes on as before; \(again).", details: failure.details)
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
      client: client.within(.seconds(8)), namespace: namespace, resource: plan.workload.resource, name: plan.workload.name, replicas: plan.workload.replicas)
    guard let link, let port = plan.ports.first(where: { $0.host != nil })?.target else { return }
    for _ in 0..<120 {
      try Self.checkCancelled()
      if let answer = try? await link.ask(ControlMessage(.probeOrigin, port: port)), answer.flag == StreamStatus.connected.rawValue { return }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Removes the agent once nobody needs it.
  /// - Parameter drain: how long connections on the host may still last.
  /// - Returns: how many were cut.
  public func finish(drain: Duration) async -> Int {
    await stopGuard()
    for keeper in keepers { keeper.cancel() }
    keepers = []
    let cut = await drainAgent(within: drain)
    _ = await tearDown()
    return cut
  }

  /// The agent leaves the endpoints, and what the host still holds ends.
  @discardableResult
  private func drainAgent(within drain: Duration) async -> Int {
    guard let plan, let link, deployer != nil else { return 0 }
    _ = try? await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(30)
    ) { !$0.origin.isEmpty }
    _ = try? await link.ask(ControlMessage(.retire, flag: 1))
    _ = try? await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(15)
    ) { $0.agents.isEmpty }
    // kube-proxy on every node lags behind the EndpointSlices, by up to a second.
    try? await Task.sleep(for: .seconds(1))
    return await drainHost(link, within: drain)
  }

  private func drainHost(_ link: AgentLink, within limit: Duration) async -> Int {
    let deadline = ContinuousClock.now + limit
    while await link.onLoop({ $0.router.open.values.reduce(0, +) }) > 0 {
      guard ContinuousClock.now < deadline else { break }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return await link.onLoop { $0.router.cut() }
  }

  /// - Returns: whether nothing of ours is left in the cluster.
  private func tearDown() async -> Bool {
    agentUID = link?.identity.uid ?? agentUID
    await link?.stop()
    link = nil
    if let deployer {
      let remover = AgentDeployer(client: client.within(.seconds(10)), installation: deployer.installation, manifests: deployer.manifests)
      do throws(ControlError) { try await remover.remove(uid: agentUID) } catch {
        context.log.error("the agent could not be removed", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(error.message)"])
        return false  // the journal keeps it for the next daemon
      }
    }
    deployer = nil
    await lease(within: .seconds(5))?.release(transitions: transitions)
    context.journal.remove(entry)
    return true
  }

  // MARK: Undoing

  private static let stillTried = "New connections go to the origin. The daemon tries again until the server answers; `devtunnel status` shows it."

  /// Whether nothing of a failed start is left to undo.
  public var isUndone: Bool { undoing == nil }

  /// Returns once nothing of a failed start is left to undo.
  public func untilUndone() async { await undoing?.value }

  /// After a failure or a Ctrl-C while setting up: as if nothing had been. Goes on in the background where the API server does not answer.
  /// - Returns: what to tell.
  func undone(after failure: ControlError) async -> ControlError {
    // A task of its own: undoing must not be cancelled with the rest.
    undoing = Task {
      while await !undo() { try? await Task.sleep(for: .seconds(5)) }
      undoing = nil
    }
    if await waitForUndoing(.seconds(20)) { return failure }
    message = "it cannot be undone now: the API server does not answer; new connections go to the origin, and it is tried again"
    return ControlError(
      failure.code, "\(failure.message); it cannot be undone now: the API server does not answer",
      remedy: [failure.remedy, Self.stillTried].compactMap(\.self).joined(separator: " "), details: failure.details)
  }

  private func waitForUndoing(_ limit: Duration) async -> Bool {
    let deadline = ContinuousClock.now + limit
    // Not by sleeping in this task, which may be cancelled.
    while undoing != nil, ContinuousClock.now < deadline { await Task { try? await Task.sleep(for: .milliseconds(20)) }.value }
    return undoing == nil
  }

  private func undo() async -> Bool {
    await stopGuard()
    state = .leaving
    let wasDiverted = isDiverted
    do throws(ControlError) {
      try await divertBack { _ in }
    } catch {
      context.log.error("undoing failed", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(error.message)"])
      return false  // diverted still, and the agent passes everything to the origin
    }
    if wasDiverted { await drainAgent(within: .seconds(5)) }
    for keeper in keepers { keeper.cancel() }
    keepers = []
    return await tearDown()
  }
}
