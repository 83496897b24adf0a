import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

// Fail-open during an intercept: a Service without a ready agent gets its selector back, and is diverted again when an
// agent is ready.

extension Interception {
  func keepGuard(_ plan: InterceptPlan) {
    keepers.append(
      Task { [weak self, client, namespace] in
        while !Task.isCancelled {
          _ = try? await ServiceEndpoints.follow(
            client: client, namespace: namespace, service: plan.service, workload: plan.workload.name
          ) {
            await self?.noted($0) ?? false
          }
          if self == nil { return }
          try? await Task.sleep(for: .seconds(1))
        }
      })
    startGuard()
  }

  func startGuard() {
    guardian = Task { [weak self] in
      while (try? await Task.sleep(for: .milliseconds(250))) != nil {
        guard let self else { return }
        await self.look()
      }
    }
  }

  /// Returns once nothing is given back or diverted in the background any more.
  func stopGuard() async {
    guardian?.cancel()
    await guardian?.value
    guardian = nil
  }

  /// Checks regularly that the agent reaches the origin. If it does not, nothing can fail open: that is reported, and
  /// nothing else changes.
  func keepOriginInSight(_ plan: InterceptPlan) {
    guard !request.replace else { return }
    keepers.append(
      Task { [weak self] in
        while (try? await Task.sleep(for: .seconds(5))) != nil {
          guard let self else { return }
          await self.lookAtOrigin(plan)
        }
      })
  }

  private func lookAtOrigin(_ plan: InterceptPlan) async {
    for port in plan.ports where port.localPort != nil {
      guard isStanding, isDiverted, let link else { return }
      // A missing answer is the session's problem, and is reported as that.
      guard let answer = try? await link.ask(ControlMessage(.probeOrigin, port: port.podPort), within: .seconds(15))
      else { return }
      noteOrigin(answer, of: plan.workload.description)
      if misses > 0 { return }
    }
  }

  /// Reports the second miss in a row: Pods are replaced now and then.
  func noteOrigin(_ answer: ControlMessage, of workload: String) {
    let status = StreamStatus(rawValue: answer.flag) ?? .failed
    guard status != .connected else {
      misses = 0
      unreached = nil
      return
    }
    misses += 1
    guard misses > 1 else { return }
    let why = answer.first == 0 ? "none is ready" : "\(status); a NetworkPolicy may forbid it, or they are unhealthy"
    unreached =
      "the agent cannot reach the Pods of \(workload) on port \(answer.port) now (\(why)): "
      + "if your machine fails, nothing serves"
  }

  private func noted(_ endpoints: ServiceEndpoints) -> Bool {
    absence.note(endpoints)
    return true
  }

  private var isStanding: Bool { !isLost && !Task.isCancelled && (state == .active || state == .failedOpen) }

  func look() async {
    guard isStanding, let plan, let link else { return }
    await listen(to: link)
    guard isStanding else { return }
    if isToBeLeft {
      if isDiverted, retryAt <= .now { await leaveAgain(plan) }
    } else if isDiverted, !isChangedBack, absence.isTooLong() {
      await giveBack(plan, link)
    } else if retryAt <= .now, absence.isListed, !isSilent, !isAgentEnding, case .connected = await link.state {
      if hasGivenBack {
        await divertAgain(plan, link)
      } else if isTurned, state == .failedOpen {
        await connectedAgain()
      }
    }
  }

  /// Retries after a `leave` that failed: gives the Service its selector back, which others depend on, as soon as the
  /// API server allows it.
  private func leaveAgain(_ plan: InterceptPlan) async {
    retryAt = .now + .seconds(10)
    // With `--replace` the origin must be scaled up before anything can go back to it.
    guard !request.replace, let lease = lease(within: .seconds(5)), let isOurs = try? await isStillOurs(lease) else {
      return
    }
    guard isOurs else { return await lost() }
    if (try? await ServiceDivert.restore(
      client: client.within(.seconds(8)), namespace: namespace, service: plan.service)) != nil
    {
      isDiverted = false
      message =
        "leave failed, but Service \(plan.service) has its own selector back now. "
        + "`devtunnel leave \(plan.service)` removes the agent"
    }
  }

  private func listen(to link: AgentLink) async {
    let isSilent = await link.figures().isSilent
    guard isSilent != self.isSilent else { return }
    self.isSilent = isSilent
    guard isSilent, isTurned, isStanding else { return }
    state = .failedOpen
    message = "nothing has been heard from the agent for 5 s; new connections go to the origin"
  }

  private func giveBack(_ plan: InterceptPlan, _ link: AgentLink) async {
    let service = "Service \(plan.service)"
    guard !request.replace else {
      state = .failedOpen
      message =
        "no agent Pod is ready, and \(plan.workload.description) is scaled to zero: nothing serves \(service). "
        + "`devtunnel leave \(plan.service)` brings it back"
      return
    }
    // Another holder may be deploying an agent.
    guard let lease = lease(within: .seconds(5)) else { return }
    do throws(ControlError) {
      guard try await isStillOurs(lease) else { return await lost() }
    } catch {
      state = .failedOpen
      message =
        "no agent Pod is ready, and it is not known whether the intercept is still ours: \(error.message); "
        + "\(service) has no endpoint until it is"
      return
    }
    guard isStanding, isDiverted, absence.isTooLong() else { return }
    hasGivenBack = true
    isTurned = false
    state = .failedOpen
    do throws(ControlError) {
      try await ServiceDivert.restore(client: client.within(.seconds(10)), namespace: namespace, service: plan.service)
      isDiverted = false
      await giveBackOthers(plan)
      context.log.warning(
        "no agent is ready: the Service has its selector back", metadata: ["service": "\(namespace)/\(plan.service)"])
      message =
        "no agent Pod is ready: \(service) has its own selector back, and its traffic goes to the origin; "
        + "it is diverted again when one is"
      _ = try? await link.ask(ControlMessage(.turnToOrigin, port: 0), within: .seconds(1))
      if await isAgentDeleted(plan) {
        message =
          "someone deleted the agent from the cluster: \(service) has its own selector back, "
          + "and its traffic goes to the origin. `devtunnel leave \(plan.service)` and intercept again"
      }
    } catch {
      message =
        "no agent Pod is ready, and the selector of \(service) cannot be given back: \(error.message); "
        + "it is tried again"
    }
  }

  private func isAgentDeleted(_ plan: InterceptPlan) async -> Bool {
    do throws(KubeError) {
      let deployment = try await client.within(.seconds(5)).find(
        .deployments, AgentNames.base(plan.workload.name), namespace: namespace)
      return deployment?.isBeingDeleted ?? true
    } catch {
      return false
    }
  }

  private func divertAgain(_ plan: InterceptPlan, _ link: AgentLink) async {
    do throws(ControlError) {
      let origins = try await reachOrigin(plan, link) { _ in }
      try await awaitAgentEndpoint(plan)
      guard isStanding else { return }
      try await divertAndTurn(plan, link, origins: origins)
      hasGivenBack = false
      message = nil
      context.log.notice(
        "an agent is ready: the Service is diverted again", metadata: ["service": "\(namespace)/\(plan.service)"])
    } catch {
      // If only turning is left, only that is tried again.
      if isTurned { hasGivenBack = false }
      retryAt = .now + .seconds(5)
      state = .failedOpen
      message =
        "an agent is ready, but Service \(plan.service) could not be diverted again: \(error.message); "
        + "it is tried again"
    }
  }

  /// Returns the Lease with a deadline for its requests.
  func lease(within limit: Duration) -> WorkloadLease? {
    guard var lease else { return nil }
    lease.client = client.within(limit)
    return lease
  }
}
