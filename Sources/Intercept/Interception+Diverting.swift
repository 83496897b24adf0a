import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

// The steps from a running agent to new connections at the host: the origin answers, the agent is an endpoint, the
// Service is diverted, its EndpointSlices and kube-proxy have followed, the agent turns.

extension Interception {
  /// Checks that the agent reaches the origin on every port: connections that are not intercepted go there, and all do
  /// when the host goes away.
  /// - Returns: the number of the origin's Pods.
  func reachOrigin(_ plan: InterceptPlan, _ link: AgentLink, _ progress: Engine.Progress) async throws(ControlError)
    -> Int
  {
    var count: UInt64 = 0
    for port in plan.listen {
      var answer: ControlMessage?
      // A resolver of the cluster may cache an earlier "no such name" for a while (CoreDNS: 5 s, kubeadm's 30 s).
      let named = ContinuousClock.now + .seconds(35)
      var attempt = 0
      while attempt < 20 || answer?.flag == StreamStatus.nameNotFound.rawValue && ContinuousClock.now < named {
        defer { attempt += 1 }
        try Self.checkCancelled()
        if attempt == 8, answer?.flag == StreamStatus.nameNotFound.rawValue {
          progress("waiting for the cluster's DNS to list the Pods of \(plan.workload.description)")
        }
        if attempt > 0 { try? await Task.sleep(for: .milliseconds(250)) }
        answer = try await link.ask(ControlMessage(.probeOrigin, port: port), within: .seconds(15))
        if answer?.flag == StreamStatus.connected.rawValue { break }
        // A Pod that refuses has answered: nothing listens there, and waiting doesn't change that.
        if answer?.flag == StreamStatus.refused.rawValue, attempt >= 4 { break }
        // Each of these took a second for each Pod: a filter that drops packets keeps dropping them.
        if answer?.flag == StreamStatus.timedOut.rawValue, attempt >= 4 { break }
      }
      count = max(count, answer?.first ?? 0)
      let status = StreamStatus(rawValue: answer?.flag ?? 7) ?? .failed
      switch status {
      case .connected: continue
      case .refused:
        // No process serves this port, although a Service targets it: the intercept takes nothing away.
        guard plan.ports.contains(where: { $0.podPort == port }) else { continue }
        let ready = try? await ServiceEndpoints.read(
          client: client, namespace: namespace, service: plan.service, workload: plan.workload.name
        ).origin
        throw Self.refusal(by: plan.workload.description, port: port, readyPods: ready?.count ?? 0)
      default:
        throw Self.unreachable(plan.workload.description, port: port, status, addresses: answer?.first ?? 0)
      }
    }
    try await admit(link)
    return Int(clamping: count)
  }

  /// Lets the agent be Ready by its session alone: connections that it receives have somewhere to go.
  func admit(_ link: AgentLink) async throws(ControlError) { _ = try await link.ask(.admit) }

  /// Makes the error for refused connections. Some network plugins reset what a NetworkPolicy forbids: ready Pods do
  /// not refuse by themselves.
  static func refusal(by workload: String, port: UInt16, readyPods: Int) -> ControlError {
    guard readyPods > 0 else {
      return ControlError(
        .refused, "the Pods of \(workload) refuse connections on port \(port)",
        remedy: "Check that they are healthy; an intercept needs the origin to fall back to. Nothing was diverted.")
    }
    let pods = readyPods == 1 ? "one of them is ready" : "\(readyPods) of them are ready"
    return ControlError(
      .refused, "the agent's connections to the Pods of \(workload) on port \(port) are refused, although \(pods)",
      remedy:
        "A NetworkPolicy that rejects may forbid Pods with these labels to reach each other: "
        + "allow ingress from the workload's own labels. Or nothing listens on that port. Nothing was diverted.")
  }

  /// Makes the error for an origin that the agent cannot reach.
  /// - Parameter addresses: the number of Pods that the agent knows, from the headless Service that selects the origin.
  static func unreachable(_ workload: String, port: UInt16, _ status: StreamStatus, addresses: UInt64) -> ControlError {
    if status == .nameNotFound || addresses == 0 {
      return ControlError(
        .refused, "the cluster's DNS does not list the Pods of \(workload) for the agent",
        remedy:
          "Check that the cluster's DNS answers (kubectl -n kube-system get pods), "
          + "and that no NetworkPolicy forbids Pods with these labels to ask it (egress to port 53). "
          + "Nothing was diverted.")
    }
    return ControlError(
      .refused,
      "the agent cannot reach the Pods of \(workload) on port \(port): \(status), \(addresses) addresses known",
      remedy:
        "A NetworkPolicy may forbid Pods with these labels to reach each other: "
        + "allow ingress from the workload's own labels. Nothing was diverted.")
  }

  func awaitAgentEndpoint(_ plan: InterceptPlan) async throws(ControlError) {
    let wanted = Set(plan.ports.map { Int($0.podPort) })
    let listed = try await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(30)
    ) { !$0.agents.isEmpty && $0.agentPorts.isSuperset(of: wanted) }
    guard !listed else { return }
    let pods = AgentPods(client: client, namespace: namespace, workload: plan.workload.name)
    throw await pods.diagnosis(
      "the agent did not become a ready endpoint of Service \(plan.service) on all its ports within 30 s")
  }

  /// - Parameter origins: the number of the origin's Pods.
  func divertAndTurn(_ plan: InterceptPlan, _ link: AgentLink, origins: Int) async throws(ControlError) {
    let divert = ServiceDivert(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, selector: plan.selector
    )
    try await divert.divert(holder: context.holder.name)
    isDiverted = true
    let alone = try await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(15)
    ) { !$0.agents.isEmpty && $0.origin.isEmpty }
    if !alone { warn("the Service's EndpointSlices still list the origin 15 s after the divert") }
    if await !trafficArrives(plan, link, probes: Self.probes(origins: origins)) {
      warn(
        "not all of the Service's connections were seen to arrive at the agent within 2 s: "
          + "some may go to the origin for another moment")
    }
    isTurned = true
    try await turnToHost(plan, link)
    state = .active
  }

  func warn(_ text: String) { if !warnings.contains(text) { warnings.append(text) } }

  /// Returns the number of connections in a row that must arrive: while kube-proxy still has the shared list, one of
  /// `origins` + 1 does by chance.
  static func probes(origins: Int) -> Int { min(max(6, 3 * (min(origins, 24) + 1)), 24) }

  /// Waits for kube-proxy, which follows the EndpointSlices up to a second late: connections to the Service's own
  /// address show when the agent's node has.
  /// - Returns: false if not all of them arrived twice in a row within 2 s.
  private func trafficArrives(_ plan: InterceptPlan, _ link: AgentLink, probes: Int) async -> Bool {
    guard let port = plan.ports.first, let number = UInt16(exactly: port.servicePort),
      let address = plan.clusterIP.flatMap({ Address.bytes(of: $0) })
    else {
      return true
    }
    func arrived() async -> UInt64 {
      guard let now = try? await link.ask(ControlMessage(.counters, port: port.podPort), within: .seconds(1)) else {
        return 0
      }
      counters[port.podPort, default: PortCounters()].take(toHost: now.first, toOrigin: now.second)
      return now.first.addingSaturating(now.second)
    }
    let preamble = Preamble(.tcp, port: number, address: address)
    let deadline = ContinuousClock.now + .seconds(2)
    var inARow = 0
    var sent: UInt64 = 0
    let first = await arrived()
    var last = first
    defer { counters[port.podPort]?.leaveOut(min(last - min(first, last), sent)) }
    while ContinuousClock.now < deadline, !Task.isCancelled {
      let before = await arrived()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<probes { group.addTask { _ = await link.probe(preamble) } }
      }
      sent += UInt64(clamping: probes)
      last = await arrived()
      inARow = last >= before.addingSaturating(UInt64(clamping: probes)) ? inARow + 1 : 0
      if inARow == 2 { return true }
      if inARow == 0 { try? await Task.sleep(for: .milliseconds(50)) }
    }
    return false
  }

  func turnToHost(_ plan: InterceptPlan, _ link: AgentLink) async throws(ControlError) {
    for port in plan.ports where port.localPort != nil {
      _ = try await link.ask(ControlMessage(.turnToHost, port: port.podPort, flag: request.refuse ? 1 : 0))
    }
    try await admit(link)
  }
}
