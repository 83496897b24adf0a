#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

// Upkeep during an intercept: the Lease is renewed, the session is reopened, and other people's changes are reported,
// never reverted.

extension Interception {
  /// Renews the Lease until another holder has it.
  func keepLease() {
    guard let lease, transitions > 0 else { return }
    let transitions = transitions
    renewal = Task { [weak self] in
      while (try? await Task.sleep(for: WorkloadLease.renewInterval)) != nil {
        guard await self?.renew(lease, transitions) ?? false else { return }
      }
    }
  }

  /// Renews the Lease once.
  /// - Returns: false if another holder has it.
  func renew(_ lease: WorkloadLease, _ transitions: UInt64) async -> Bool {
    do throws(KubeError) {
      guard try await holds(lease) else {
        await lost()
        return false
      }
      renewed = .now
    } catch {
      // An API server that is away for a while changes nothing: the next renewal decides.
      guard error.statusCode != nil || renewed.duration(to: .now) >= .seconds(WorkloadLease.duration) else {
        return true
      }
      if staleness == nil {
        context.log.warning(
          "the Lease is not renewed", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(error)"])
      }
      staleness =
        "Lease \(namespace)/\(lease.name) cannot be renewed: \(error); once it is \(WorkloadLease.duration) s old, "
        + "others may take this intercept over or undo it"
    }
    return true
  }

  /// Renews the Lease, and checks whether the intercept is still ours. It still is if only the Lease was deleted: our
  /// agent is running and no one else would remove it.
  func holds(_ lease: WorkloadLease) async throws(KubeError) -> Bool {
    guard try await !lease.renew(transitions: transitions) else {
      staleness = nil
      return true
    }
    guard !isLost, let uid = link?.identity.uid ?? agentUID,
      try await lease.client.find(.leases, lease.name, namespace: namespace) == nil,
      let agent = try await lease.client.find(.deployments, lease.name, namespace: namespace), agent.uid == uid,
      !agent.isBeingDeleted
    else { return false }
    staleness =
      "someone deleted Lease \(namespace)/\(lease.name): others may take this intercept over or undo it. "
      + "Leave and intercept again"
    return true
  }

  /// Checks that the intercept is still ours, before a change that would harm another holder's. An error does not mean
  /// that it is. If the user may no longer renew the Lease, or a renewal runs at the same time, its content decides.
  func isStillOurs(_ lease: WorkloadLease) async throws(ControlError) -> Bool {
    do throws(KubeError) { return try await holds(lease) } catch {
      guard error.isForbidden || error.isConflict, let held = try await lease.read() else {
        throw ControlError(error, doing: "renewing Lease \(namespace)/\(lease.name)")
      }
      return held.holder == context.holder && held.transitions == transitions
    }
  }

  /// If someone has taken the workload over for the same Service, leave it to them. If no one holds the workload, or
  /// someone holds it for another Service, no one else would give this Service back: it would select an agent that
  /// doesn't exist, or that goes with the other's intercept.
  func giveBackUnheld() async throws(ControlError) {
    guard let lease = lease(within: .seconds(8)) else { return }
    let held = try await lease.read()
    if let held, (held.service ?? id.service) == id.service { return }
    try await ServiceDivert.restore(client: lease.client, namespace: namespace, service: id.service)
    guard held == nil else { return }
    do throws(ControlError) {
      try await DivertedServices(client: lease.client, namespace: namespace, workload: lease.workload).giveBack()
    } catch {
      // A Service that someone else made select the agent is theirs.
      guard error.code == .refused else { throw error }
    }
  }

  /// Ends this intercept's part once another holder has it: nothing of ours is left to undo, but maybe a Service that
  /// no one holds.
  func lost() async {
    let holder = (try? await lease?.read()?.holder)?.told(to: context.holder)
    state = .failedOpen
    isLost = true
    message =
      holder.map { "\($0) has taken this intercept over" }
      ?? "someone else undid this intercept (its Lease is gone)"
    isTurned = false
    isDiverted = false
    hasGivenBack = false
    guardian?.cancel()
    deployer = nil  // no longer ours to remove
    await link?.stop()
    for keeper in keepers { keeper.cancel() }
    renewal?.cancel()
    do throws(ControlError) {
      try await giveBackUnheld()
      context.journal.remove(entry)
    } catch {
      // `leave`, `quit` and the next daemon try again.
      message = "\(message ?? ""); Service \(id.service) could not be given back: \(error.message)"
    }
    context.log.warning(
      "intercept lost", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(message ?? "")"])
  }

  func sessionStands() async {
    isAgentEnding = false
    await connectedAgain()
  }

  /// Turns to the host again after the session has been reopened.
  func connectedAgain() async {
    guard isTurned, let plan, let link else { return }
    do throws(ControlError) {
      try await turnToHost(plan, link)
      guard isTurned else { return }
      state = .active
      message = nil
    } catch {
      retryAt = .now + .seconds(2)
      state = .failedOpen
      message = "the tunnel is open, but the agent did not turn to the host: \(error.message)"
    }
  }

  func linkChanged(_ state: AgentLink.State) {
    guard self.state == .active || self.state == .failedOpen, isTurned else { return }
    switch state {
    case .connecting:
      self.state = .failedOpen
      isSilent = false
      message = isAgentEnding ? Self.replacing : "the tunnel is being opened again; new connections go to the origin"
    case .superseded:
      self.state = .failedOpen
      message = "another holder has taken this intercept over"
    case .connected, .stopped: break
    }
  }

  func told(_ told: ControlMessage) {
    switch told.kind {
    case .fellBack:
      guard plan?.listen.contains(told.port) ?? false else { return }
      fellBack += 1
      let connections = fellBack == 1 ? "one connection" : "\(fellBack) connections"
      let problem =
        switch StreamStatus(rawValue: told.flag) {
        case .refused: "\(joined?.description ?? "the host's port") refused \(connections)"
        case .exhausted:
          "this intercept has as many open connections on the host as it may (raise the limit, `ulimit -n`): "
            + "it did not take \(connections)"
        case .unreachable where joined != nil: "\(joined?.description ?? "") could not be reached for \(connections)"
        default: "\(joined?.description ?? "the host") did not take \(connections) within a second"
        }
      message = problem + ", which went to the origin instead"
    case .terminating:
      isAgentEnding = true
      guard isTurned, state == .active || state == .failedOpen else { return }
      state = .failedOpen
      message = Self.replacing
    default: break
    }
  }

  private static let replacing =
    "the agent's Pod is being replaced; new connections go to the origin until the next one is ready"

  /// Watches the Service and the workload for changes by others.
  func keepWatch(_ plan: InterceptPlan) {
    keepers.append(
      Task { [weak self, client, namespace] in
        let events = client.watch(.services, namespace: namespace, fields: "metadata.name=\(plan.service)")
        do { for try await event in events { await self?.serviceChanged(event) } } catch {}
      })
    keepers.append(
      Task { [weak self, client, namespace] in
        let events = client.watch(
          plan.workload.resource, namespace: namespace, fields: "metadata.name=\(plan.workload.name)")
        do { for try await event in events { await self?.workloadChanged(event) } } catch {}
      })
  }

  private func serviceChanged(_ event: WatchEvent) async {
    guard state == .active || state == .failedOpen, isDiverted || hasGivenBack, let plan, let link else { return }
    if case .deleted = event {
      state = .failedOpen
      isTurned = false
      isDiverted = false
      hasGivenBack = false
      message = "Service \(plan.service) was deleted; `devtunnel leave \(plan.service)` removes what is left"
      return
    }
    guard let object = event.object else { return }
    uncarried = Self.uncarried(by: plan, of: object)
    guard !hasGivenBack else { return }
    let present = object[path: "spec", "selector"]?.stringMap ?? [:]
    if present[AgentNames.agentLabel] == nil, isTurned {
      isTurned = false
      isChangedBack = true
      _ = try? await link.ask(ControlMessage(.turnToOrigin, port: 0))
      state = .failedOpen
      let who = Self.lastManager(of: object).map { " by \($0)" } ?? ""
      message =
        "the selector of Service \(plan.service) was changed back\(who): its traffic goes to the origin. "
        + "Pause that controller for this Service, then leave and intercept again"
    } else if present[AgentNames.agentLabel] != nil, isChangedBack, state == .failedOpen {
      isChangedBack = false
      isTurned = true
      await connectedAgain()
    }
  }

  /// Returns a warning about ports of a changed Service on which the agent, which has the former ports, does not
  /// listen.
  static func uncarried(by plan: InterceptPlan, of service: JSONValue) -> String? {
    let ports = (service[path: "spec", "ports"]?.elements ?? []).filter { port in
      guard ServiceRules.transport(port) == "TCP",
        let target = ServiceRules.targetPort(port, template: plan.workload.template)
      else { return true }
      return !plan.listen.contains(target)
    }
    guard !ports.isEmpty else { return nil }
    let names = ports.map { port in "\(port["port"]?.intValue ?? 0)" + (port.entryName.map { " (\($0))" } ?? "") }
      .joined(
        separator: ", ")
    return
      "Service \(plan.service) was changed: the agent does not listen on the new target of its port \(names), "
      + "and connections to it are refused. Leave and intercept again to follow"
  }

  private func workloadChanged(_ event: WatchEvent) {
    guard let object = event.object, let plan, let generation = object.generation,
      generation != plan.workload.generation
    else { return }
    let template = object[path: "spec", "template"] ?? [:]
    self.plan?.workload.generation = generation
    guard Self.lasting(template) != Self.lasting(plan.workload.template), !request.replace else { return }
    self.plan?.workload.template = template
    let text =
      "\(plan.workload.description) was changed: the agent still has its former environment and files. "
      + "Leave and intercept again to follow"
    if !warnings.contains(text) { warnings.append(text) }
  }

  /// Returns a Pod template without the change that a restart makes, ours or `kubectl rollout restart`: its event may
  /// arrive before the answer to our patch.
  static func lasting(_ template: JSONValue) -> JSONValue {
    guard template.annotations["kubectl.kubernetes.io/restartedAt"] != nil else { return template }
    var template = template
    template.annotations["kubectl.kubernetes.io/restartedAt"] = nil
    if template["metadata"] == [:] { template["metadata"] = nil }
    return template
  }

  /// Returns the last writer of the selector (Kubernetes API, ManagedFieldsEntry).
  static func lastManager(of service: JSONValue) -> String? {
    let writers = (service[path: "metadata", "managedFields"]?.elements ?? []).filter {
      $0[path: "fieldsV1", "f:spec", "f:selector"] != nil
    }
    let last = writers.max { ($0["time"]?.stringValue ?? "") < ($1["time"]?.stringValue ?? "") }
    return last?["manager"]?.stringValue
  }

  // MARK: Reporting

  public func report() async -> InterceptReport {
    var ports: [InterceptReport.Port] = []
    for port in plan?.ports ?? [] {
      if let link, !isSilent,
        let now = try? await link.ask(ControlMessage(.counters, port: port.podPort), within: .seconds(1))
      {
        counters[port.podPort, default: PortCounters()].take(toHost: now.first, toOrigin: now.second)
      }
      let known = counters[port.podPort] ?? PortCounters()
      ports.append(
        InterceptReport.Port(
          service: port.servicePort, name: port.name, target: Int(port.podPort),
          host: joined == nil ? port.localPort.map { "\(request.address):\($0)" } : nil,
          toHost: known.toHost, toOrigin: known.toOrigin, to: joined == nil ? nil : port.localPort.map { Int($0) }))
    }
    return InterceptReport(
      context: client.access.contextName, cluster: id.cluster, namespace: namespace, service: request.service,
      workload: plan?.workload.description ?? "", state: state, ports: ports, holder: context.holder.name,
      since: Timestamp.seconds(since), message: message,
      warnings: warnings + [staleness, unreached, uncarried].compactMap(\.self),
      to: joined.map { InterceptReport.Target(context: $0.context, namespace: $0.namespace, target: $0.target) })
  }

  public func sessionReport() async -> SessionReport? {
    guard let link else { return nil }
    return await link.report()
  }
}
