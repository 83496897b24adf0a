import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

// The way back, so that no new connection is lost: the agent turns to the origin, the Service gets its selector, the agent leaves the endpoints, and only then,
// when what the host still holds has drained, it goes.

extension Interception {
  /// Returns once new connections go to the origin and the Service is as it was. The rest is done by `finish`.
  public func leave(progress: Engine.Progress) async throws(ControlError) {
    let before = state
    state = .leaving
    isTurned = false
    // Who has taken it over since the last renewal keeps it.
    if let lease, (try? await lease.renew(transitions: transitions)) == false { await lost() }
    guard isDiverted, let plan else { return }
    do throws(ControlError) {
      if request.replace { try await bringOriginBack(plan, progress) }
      // Without a session the agent has turned by itself.
      if let link { _ = try? await link.ask(ControlMessage(.turnToOrigin, port: 0)) }
      try await ServiceDivert.restore(client: client, namespace: namespace, service: plan.service)
      isDiverted = false
    } catch {
      state = before
      throw error
    }
  }

  private func bringOriginBack(_ plan: InterceptPlan, _ progress: Engine.Progress) async throws(ControlError) {
    progress("scaling \(plan.workload.description) back to \(plan.workload.replicas)")
    try await Replicas.restore(
      client: client, namespace: namespace, resource: plan.workload.resource, name: plan.workload.name, replicas: plan.workload.replicas)
    guard let link, let port = plan.ports.first(where: { $0.host != nil })?.target else { return }
    for _ in 0..<120 {
      if let answer = try? await link.ask(ControlMessage(.probeOrigin, port: port)), answer.flag == StreamStatus.connected.rawValue { return }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Removes the agent once nobody needs it.
  /// - Parameter drain: how long connections on the host may still last.
  /// - Returns: how many were cut.
  public func finish(drain: Duration) async -> Int {
    for keeper in keepers { keeper.cancel() }
    keepers = []
    var cut = 0
    if let plan, let link, deployer != nil {
      _ = try? await ServiceEndpoints.wait(
        client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(30)
      ) { !$0.origin.isEmpty }
      _ = try? await link.ask(ControlMessage(.retire, flag: 1))
      _ = try? await ServiceEndpoints.wait(
        client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(15)
      ) { $0.agents.isEmpty }
      // kube-proxy on every node lags behind the EndpointSlices, by up to a second.
      try? await Task.sleep(for: .seconds(1))
      cut = await drainHost(link, within: drain)
    }
    await tearDown()
    return cut
  }

  private func drainHost(_ link: AgentLink, within limit: Duration) async -> Int {
    let deadline = ContinuousClock.now + limit
    while await link.onLoop({ $0.router.open.values.reduce(0, +) }) > 0 {
      guard ContinuousClock.now < deadline else { break }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return await link.onLoop { $0.router.cut() }
  }

  private func tearDown() async {
    let uid = link?.identity.uid
    await link?.stop()
    link = nil
    if let deployer {
      do throws(ControlError) { try await deployer.remove(uid: uid) } catch {
        context.log.error("the agent could not be removed", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(error.message)"])
        return  // the journal keeps it for the next daemon
      }
    }
    deployer = nil
    await lease?.release(transitions: transitions)
    context.journal.remove(entry)
  }

  /// After a failure or a Ctrl-C while setting up: as if nothing had been.
  func undo() async {
    let wasDiverted = isDiverted
    do throws(ControlError) {
      try await leave { _ in }
    } catch {
      context.log.error("undoing failed", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(error.message)"])
      return  // diverted still, and the agent passes everything to the origin
    }
    if wasDiverted {
      _ = await finish(drain: .seconds(5))
    } else {
      for keeper in keepers { keeper.cancel() }
      keepers = []
      await tearDown()
    }
  }
}
