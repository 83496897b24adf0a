#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Agents
import ControlAPI
import InterceptMachine
import KubeObjects
import TunnelProtocol

extension InterceptedWorkload {
  func report(_ service: String, since: Date, warnings: [String]) async -> InterceptReport? {
    guard let member = members[service], let facts = machine.services[service] else { return nil }
    let phase = machine.phase(of: service)
    var ports: [InterceptReport.Port] = []
    for port in member.plan.ports {
      let question = ControlMessage(.counters, port: port.agentPort)
      if let link, let now = try? await link.ask(question, within: .seconds(1)) {
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
    return InterceptReport(
      context: client.access.contextName, cluster: cluster, namespace: namespace, service: service,
      workload: member.plan.workload.description, state: Explanation.state(phase), ports: ports,
      holder: context.holder.name, since: Timestamp.seconds(since), message: message,
      warnings: warnings + agentWarnings + [staleness, unreached, member.uncarried].compactMap(\.self),
      to: member.joined.map {
        InterceptReport.Target(context: $0.context, namespace: $0.namespace, target: $0.target)
      })
  }
}
