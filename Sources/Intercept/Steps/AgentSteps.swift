import Agents
import CLinux
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import Relay
import TunnelProtocol

// The steps at the agent, through the session, and those on the host.

extension InterceptedWorkload {
  func ask(_ step: Step) async throws(ControlError) -> Outcome {
    guard let link else { throw ControlError(.unreachable, "there is no tunnel to the agent of \(workload) now") }
    switch step {
    case .probe(let port): return try await probe(port, link)
    case .admit:
      _ = try await link.ask(.admit)
      defer { wasClosing = false }
      return .admitted(isSteady: !wasClosing)
    case .arrive(let service): return await arrive(service, link)
    case .turn(let port, let count, let rules):
      if let rules {
        let text = rules.sorted().joined(separator: "\n\n")
        let status = await link.send(rules: Array(text.utf8), for: port)
        guard status == .connected else {
          throw ControlError(.failed, "the agent of \(workload) did not take the rules of port \(port): \(status)")
        }
      }
      let requests = members.values.filter { member in
        (member.request.rules == nil) == (rules == nil)
          && member.plan.ports.contains { $0.agentPort == port && $0.localPort != nil }
      }.map(\.request)
      let homeAfter = requests.compactMap(\.homeAfter).min() ?? 0
      let passesRefusals = requests.contains(where: \.refuse) ? ControlMessage.passesRefusals : 0
      let answer = try await link.ask(
        ControlMessage(
          .turnToHost, port: port, flag: passesRefusals | (rules == nil ? 0 : ControlMessage.matching), first: count,
          second: UInt64(clamping: Int(saturating: homeAfter * 1000))))
      if answer.flag == ControlMessage.laterClaim { return .superseded }
      if answer.flag != 0 { return .failed(Failure("the agent has no rules for port \(port)", isPassing: true)) }
    case .unturn(let port, let matching):
      let flag = matching ? ControlMessage.matching : 0
      _ = try await link.ask(ControlMessage(.turnToOrigin, port: port, flag: flag), within: .seconds(2))
    case .retire: _ = try await link.ask(.retire, within: .seconds(2))
    default: break
    }
    return .done
  }

  func isReached(_ port: UInt16) async throws(ControlError) -> Bool {
    guard let link else { return false }
    return try await link.ask(ControlMessage(.probeOrigin, port: port), within: .seconds(15)).flag
      == StreamStatus.connected.rawValue
  }

  /// Checks that the agent reaches the origin on a port: connections that are not intercepted go there, and all do when
  /// the host goes away.
  private func probe(_ port: UInt16, _ link: AgentLink) async throws(ControlError) -> Outcome {
    let answer = try await link.ask(ControlMessage(.probeOrigin, port: port), within: .seconds(15))
    let status = StreamStatus(rawValue: answer.flag) ?? .failed
    guard status != .connected, let member = members.values.first(where: { $0.plan.listen.contains(port) }) else {
      return .done
    }
    let name = member.plan.workload.description
    switch status {
    case .refused:
      let ready = try? await ServiceEndpoints.read(
        client: client, namespace: namespace, service: member.plan.service, workload: workload
      ).origin
      throw Explanation.refusal(by: name, port: port, readyPods: ready?.count ?? 0)
    default: throw Explanation.unreachable(name, port: port, status, addresses: answer.first)
    }
  }

  /// Returns the number of connections in a row that must arrive: while kube-proxy still has the shared list, one of
  /// `origins` + 1 does by chance.
  static func probes(origins: Int) -> Int { min(max(6, 3 * (min(origins, 24) + 1)), 24) }

  /// Waits for kube-proxy, which follows the EndpointSlices up to a second late: connections to the Service's own
  /// address show when the agent's node has. Ends after 2 s, whether they arrive or not.
  private func arrive(_ service: String, _ link: AgentLink) async -> Outcome {
    guard let plan = members[service]?.plan, let address = plan.clusterIP.flatMap({ Address.bytes(of: $0) }) else {
      return .done
    }
    // A container that is in front of the application need not connect to it before it has a request.
    guard let port = plan.ports.first(where: { $0.agentPort == $0.podPort }),
      let number = UInt16(exactly: port.servicePort)
    else {
      try? await Task.sleep(for: plan.lag)
      return .done
    }
    func arrived() async -> UInt64 {
      guard let now = try? await link.ask(ControlMessage(.counters, port: port.agentPort), within: .seconds(1)) else {
        return 0
      }
      change(service) {
        // Before its rules are turned, the agent counts what others take.
        guard $0.request.rules == nil else { return }
        $0.counters[port.agentPort, default: PortCounters()].take(toHost: now.first, toOrigin: now.second)
      }
      return now.first.addingSaturating(now.second)
    }
    let preamble = Preamble(.tcp, port: number, address: address)
    let probes = Self.probes(origins: plan.nodes.count)
    let deadline = ContinuousClock.now + .seconds(2)
    var inARow = 0
    var sent: UInt64 = 0
    let first = await arrived()
    var last = first
    while ContinuousClock.now < deadline, inARow < 2 {
      let before = await arrived()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<probes { group.addTask { _ = await link.probe(preamble) } }
      }
      sent += UInt64(clamping: probes)
      last = await arrived()
      inARow = last >= before.addingSaturating(UInt64(clamping: probes)) ? inARow + 1 : 0
      if inARow == 0 { try? await Task.sleep(for: .milliseconds(50)) }
    }
    let own = min(last - min(first, last), sent)
    change(service) { $0.counters[port.agentPort, default: PortCounters()].leaveOut(own) }
    if inARow < 2 {
      let text =
        "not all of the Service's connections were seen to arrive at the agent within 2 s: "
        + "some may go to the origin for another moment"
      if !agentWarnings.contains(text) { agentWarnings.append(text) }
    }
    return .done
  }

  // MARK: The session

  /// Opens the session with an agent, unless it is open.
  func connect(to identity: AgentIdentity, _ member: Member) async throws(ControlError) {
    if standIn != nil {
      guard self.identity?.uid != identity.uid else { return }
      self.identity = identity
      return observe(.session(.opened))
    }
    if let link, self.identity?.uid == identity.uid {
      try await aim(link)
      return
    }
    await link?.stop()
    if link != nil { observe(.session(.closed)) }
    self.identity = identity
    let link = await AgentLink(
      client: client, relay: context.relay, identity: identity, holder: context.holder.number,
      protocols: context.protocols,
      log: context.log)
    self.link = link
    try await aim(link)
    await follow(link)
    member.progress?("connecting to the agent")
    await link.start()
    // The link would retry without end; a Pod that can never start is reported at once.
    _ = try await AgentPods(client: client, of: identity).running(within: .seconds(60), progress: member.progress)
    try await link.connected(within: .seconds(20))
    keepOriginInSight()
  }

  /// Sets the targets of all Services' connections.
  private func aim(_ link: AgentLink) async throws(ControlError) {
    for (service, member) in members {
      // Until the shell runs, connections that arrive are refused, and go to the origin.
      if let joined = member.joined { try await join(service, member.plan, joined, link) }
      if member.isInsideShell { await link.onLoop { $0.router.makeSocket = { completion in completion(-1) } } }
      for port in member.plan.ports {
        guard let host = port.localPort, member.joined == nil,
          let address = clinux_address(member.request.address, port: host)
        else { continue }
        let place = TapPlace(
          way: .intercept, context: client.access.contextName, namespace: namespace, service: service,
          port: Int(port.podPort))
        await link.onLoop { endpoint in
          endpoint.router.setPlace(place, for: port.agentPort)
          endpoint.router.setTarget(address, for: port.agentPort)
        }
      }
    }
  }

  // MARK: On the host

  /// Waits for the connections of these ports to end, and cuts the rest.
  /// - Returns: the number of connections that were cut.
  func drain(_ ports: Set<UInt16>, within limit: Duration) async -> Int {
    guard let link else { return 0 }
    let deadline = ContinuousClock.now + limit
    func open() async -> Int {
      await link.onLoop { endpoint in ports.reduce(0) { $0 + (endpoint.router.open[$1] ?? 0) } }
    }
    while await open() > 0, ContinuousClock.now < deadline {
      try? await Task.sleep(for: .milliseconds(50))
    }
    return await link.onLoop { $0.router.cut(ports) }
  }
}
