import Agents
import ControlAPI
import InterceptMachine
import KubeObjects
import TunnelProtocol

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension InterceptedWorkload {
  func report(_ service: String, since: Date, warnings: [String]) async -> InterceptReport? {
    guard let member = members[service], let facts = machine.services[service] else { return nil }
    let phase = machine.phase(of: service)
    let neighbours = await neighbours()
    var ports: [InterceptReport.Port] = []
    for port in member.plan.ports {
      let question = ControlMessage(.counters, port: port.agentPort)
      // Before its rules are turned, the agent counts what others take.
      if member.request.rules == nil || phase == .active, let link,
        let now = try? await link.ask(question, within: .seconds(1))
      {
        change(service) {
          $0.counters[port.agentPort, default: PortCounters()].take(toHost: now.first, toOrigin: now.second)
        }
      }
      let known = members[service]?.counters[port.agentPort] ?? PortCounters()
      let isHost = member.joined == nil
      var report = InterceptReport.Port(
        service: port.servicePort, name: port.name, target: Int(port.podPort),
        host: isHost ? port.localPort.map { "\(member.request.address):\($0)" } : nil,
        toHost: known.toHost, toOrigin: known.toOrigin, to: isHost ? nil : port.localPort.map { Int($0) },
        along: port.along)
      if member.request.rules?.isMirror == true, port.localPort != nil {
        let copies = await copies(service, port.agentPort, isActive: phase == .active)
        report.copies = copies.toHost
        report.lostCopies = copies.toOrigin
      }
      if port.localPort != nil, let link,
        let now = try? await link.ask(ControlMessage(.onOrigin, port: port.agentPort), within: .seconds(1))
      {
        report.onOrigin = InterceptReport.Port.causes(of: now)
      }
      ports.append(report)
    }
    let message =
      Explanation.message(
        phase, facts, machine.trouble, service: service, origin: member.plan.workload.description,
        replaces: member.request.replace,
        reader: context.holder) ?? member.fallBacks
    var report = InterceptReport(
      context: client.access.contextName, cluster: cluster, namespace: namespace, service: service,
      workload: member.plan.workload.description, state: Explanation.state(phase), ports: ports,
      holder: context.holder.name, since: Timestamp.seconds(since), message: message,
      warnings: warnings + agentWarnings + [staleness, unreached, member.uncarried].compactMap(\.self),
      to: member.joined.map {
        InterceptReport.Target(context: $0.context, namespace: $0.namespace, target: $0.target)
      })
    if let asked = member.request.rules {
      let held = member.plan.ports.compactMap { machine.claim(to: $0.agentPort, through: service)?.rules }
      let texts = held.reduce(into: Set<String>()) { $0.formUnion($1) }
      report.rules = RequestRules(texts: texts) ?? asked
      if phase == .active, let lost = RequestRules(texts: asked.texts.subtracting(texts)) {
        report.warnings.append("someone else has taken over \(lost); --take-over takes them back")
      }
    }
    if member.isInsideShell { report.inShell = true }
    report.others = neighbours.isEmpty ? nil : neighbours
    return report
  }

  /// Returns the numbers of copies that went to the host, and of those that are lost.
  private func copies(_ service: String, _ port: UInt16, isActive: Bool) async -> PortCounters {
    let question = ControlMessage(.counters, port: port, flag: ControlMessage.copies)
    if isActive, let link, let now = try? await link.ask(question, within: .seconds(1)) {
      change(service) { $0.copies[port, default: PortCounters()].take(toHost: now.first, toOrigin: now.second) }
    }
    return members[service]?.copies[port] ?? PortCounters()
  }

  /// Returns the claims as the cluster has them now, or as they were known last.
  func presentClaims() async -> Claims {
    guard machine.trouble == nil, standIn == nil else { return machine.claims }
    let reader = AgentClaims(client: client.within(.seconds(1)), namespace: namespace, workload: workload)
    return (try? await reader.read())?.claims ?? machine.claims
  }

  /// Returns the others who intercept Services of the workload.
  private func neighbours() async -> [InterceptReport.Neighbour] {
    let others = await presentClaims().all.map(\.claim).filter { $0.holder != machine.holder }
    return Dictionary(grouping: others, by: \.holder).map { holder, claims in
      var one = InterceptReport.Neighbour(
        holder: Holder(identity: holder).told(to: context.holder), services: Set(claims.flatMap(\.services)).sorted())
      let rules = claims.compactMap(\.rules)
      if rules.count == claims.count { one.rules = RequestRules(texts: Set(rules.joined())) }
      return one
    }.sorted { $0.holder == $1.holder ? $0.services.lexicographicallyPrecedes($1.services) : $0.holder < $1.holder }
  }
}
