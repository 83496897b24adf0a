import Agents
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import TunnelProtocol
import Workloads

// The feeds of the inbox: watches of the Services, their endpoints and the workload, the session, the Lease.

extension InterceptedWorkload {
  func follow(_ service: String, _ plan: InterceptPlan) {
    change(service) {
      $0.feeds = [
        Task { [weak self, client, namespace] in
          while !Task.isCancelled {
            let events = client.watch(.services, namespace: namespace, fields: "metadata.name=\(service)")
            do { for try await event in events { await self?.serviceChanged(service, event) } } catch {}
            try? await Task.sleep(for: .seconds(1))
          }
        },
        Task { [weak self, client, namespace, workload] in
          while !Task.isCancelled {
            _ = try? await ServiceEndpoints.follow(
              client: client, namespace: namespace, service: service, workload: workload
            ) { endpoints in
              let wanted = Set(plan.ports.map { Int($0.podPort) })
              let isListed = !endpoints.agents.isEmpty && endpoints.agentPorts.isSuperset(of: wanted)
              self?.observe(
                .listed(service: service, Listed(agents: isListed, origin: !endpoints.origin.isEmpty)))
              return self != nil
            }
            try? await Task.sleep(for: .seconds(1))
          }
        },
        Task { [weak self, client, namespace] in
          guard let resource = plan.workload.resource else { return }
          let events = client.watch(resource, namespace: namespace, fields: "metadata.name=\(plan.workload.name)")
          do { for try await event in events { await self?.workloadChanged(service, event) } } catch {}
        },
      ]
    }
  }

  private func serviceChanged(_ service: String, _ event: WatchEvent) {
    if case .deleted = event { return observe(.selector(service: service, .gone)) }
    guard let object = event.object, let plan = members[service]?.plan else { return }
    change(service) { $0.uncarried = InterceptedWorkload.uncarried(by: plan, of: object) }
    let present = object[path: "spec", "selector"]?.stringMap ?? [:]
    guard present[AgentNames.agentLabel] == nil else { return observe(.selector(service: service, .diverted)) }
    // Our own way back removes the record as well.
    let isOthers = object.annotations[AgentNames.selectorAnnotation] != nil
    let manager = isOthers ? Self.lastManager(of: object) ?? "someone" : nil
    observe(.selector(service: service, .own(changedBy: manager)))
  }

  /// Returns a warning about ports of a changed Service on which the agent, which has the former ports, does not
  /// listen.
  static func uncarried(by plan: InterceptPlan, of service: JSONValue) -> String? {
    let ports = (service[path: "spec", "ports"]?.elements ?? []).filter { port in
      guard let target = ServiceRules.targetPort(port, template: plan.workload.template) else {
        return port.transport == "TCP"
      }
      switch port.transport {
      case "TCP": return !plan.listen.contains(target) && !plan.keptPorts.contains(target)
      case "UDP": return !plan.datagrams.contains(target) && !plan.keptDatagrams.contains(target)
      default: return true
      }
    }
    guard !ports.isEmpty else { return nil }
    let names = ports.map(\.portLabel).joined(separator: ", ")
    return
      "Service \(plan.service) was changed: the agent does not listen on the new target of its port \(names), "
      + "and connections to it are refused. Leave and intercept again to follow"
  }

  private func workloadChanged(_ service: String, _ event: WatchEvent) {
    guard let object = event.object, let plan = members[service]?.plan, let resource = plan.workload.resource,
      let generation = object.generation, generation != plan.workload.generation
    else { return }
    let declared = Workload(object, resource: resource).declared
    change(service) { $0.plan.workload.generation = generation }
    guard Self.lasting(declared ?? [:]) != Self.lasting(plan.workload.declared ?? [:]),
      members[service]?.request.replace == false
    else { return }
    change(service) { $0.plan.workload.declared = declared }
    let text =
      "\(plan.workload.description) was changed: the agent still has its former environment and files. "
      + "Leave and intercept again to follow"
    if !agentWarnings.contains(text) { agentWarnings.append(text) }
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

  // MARK: The session

  /// Follows a new session with the agent.
  func follow(_ link: AgentLink) async {
    await link.whenConnected { [weak self] in self?.observe(.session(.opened)) }
    await link.whenSilent { [weak self] isSilent in self?.observe(.session(isSilent ? .silent : .heardAgain)) }
    await link.whenTold { [weak self] message in await self?.told(message) }
    await link.whenStateChanges { [weak self] state in
      switch state {
      case .connecting: self?.observe(.session(.closed))
      case .connected, .stopped: break
      }
    }
  }

  private func told(_ message: ControlMessage) {
    switch message.kind {
    case .terminating: observe(.agentEnds)
    case .superseded: observe(.superseded(port: message.port))
    case .hostAnswers: for (service, _) in members(with: message.port) { change(service) { $0.fallBacks = nil } }
    case .fellBack:
      for (service, member) in members(with: message.port) {
        change(service) {
          $0.fellBack += 1
          $0.fallBacks = Explanation.fallBacks($0.fellBack, StreamStatus(rawValue: message.flag), joined: member.joined)
        }
      }
    default: break
    }
  }

  /// Returns the members one of whose intercepted ports this is.
  private func members(with port: UInt16) -> [String: Member] {
    members.filter { $0.value.plan.ports.contains { $0.agentPort == port && $0.localPort != nil } }
  }

  // MARK: The Lease

  /// Renews the Lease that a join has written, until nothing of ours is left.
  func keepLease() {
    guard renewal == nil else { return }
    renewal = Task { [weak self] in
      while (try? await Task.sleep(for: WorkloadLease.renewInterval)) != nil {
        guard let self else { return }
        await self.renew()
      }
    }
  }

  /// Ends the renewals. Afterwards none is under way, which could write the Lease again once it is deleted.
  func stopRenewals() async {
    let former = renewal
    renewal = nil
    former?.cancel()
    await former?.value
  }

  func renew() async {
    guard machine.needsLease else { return }
    do throws(KubeError) {
      try await lease.renew()
      staleness = nil
    } catch {
      guard error != .cancelled else { return }
      staleness =
        "Lease \(namespace)/\(lease.name) cannot be renewed: \(error); once it is \(WorkloadLease.duration) s old, "
        + "others may take this intercept over or undo it"
    }
  }

  // MARK: The origin

  /// Checks regularly that the agent reaches the origin. If it does not, nothing can fail open: that is reported.
  func keepOriginInSight() {
    guard originWatch == nil else { return }
    originWatch = Task { [weak self] in
      while (try? await Task.sleep(for: .seconds(5))) != nil {
        guard let self else { return }
        await self.lookAtOrigin()
      }
    }
  }

  private func lookAtOrigin() async {
    for (service, member) in members where machine.phase(of: service) == .active && !member.request.replace {
      for port in member.plan.ports where port.localPort != nil {
        let question = ControlMessage(.probeOrigin, port: port.agentPort)
        guard let link, let answer = try? await link.ask(question, within: .seconds(15)) else { return }
        note(answer, of: member.plan.workload.description)
        let isReached = answer.flag == StreamStatus.connected.rawValue
        observe(
          .finished(.probe(port: port.agentPort), isReached ? .done : .failed(Failure("no answer", isPassing: true))))
        if !isReached { return }
      }
    }
  }

  /// Reports the second miss in a row: Pods are replaced now and then.
  func note(_ answer: ControlMessage, of workload: String) {
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
}
