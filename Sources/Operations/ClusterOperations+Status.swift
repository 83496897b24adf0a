import Agents
import ControlAPI
import Intercept

extension ClusterOperations {
  private static let connectionsStay =
    "a connection that was open before its intercept stays with the origin until its client closes it; "
    + "`devtunnel intercept --move-connections yes` restarts the workload, so that all move"

  public nonisolated func changes() -> AsyncStream<Void> { signal.rings() }

  public func status() async -> StatusReport {
    var report = StatusReport(daemon: nil, left: left)
    var leavesConnections = false
    var links: [AgentLink] = []
    for interception in interceptions {
      if await interception.leavesConnections { leavesConnections = true }
      report.intercepts.append(await interception.report())
      // Services of one workload share a session.
      guard let link = await interception.link, !links.contains(where: { $0 === link }) else { continue }
      links.append(link)
      report.sessions.append(await link.report())
    }
    for item in closing.values where await item.interception.remains != nil {
      report.intercepts.append(await item.interception.report())
    }
    for (entry, staying) in unrecovered where journal.all.contains(entry) {
      let isTold = report.intercepts.contains { $0.id == staying.id }
      if !isTold { report.intercepts.append(staying) }
    }
    for forwarding in forwards {
      report.forwards.append(await forwarding.report(context: contexts[forwarding.id] ?? ""))
    }
    for shell in shells { report.outbound.append(await shell.report()) }
    for host in hosts { report.outbound.append(await host.report()) }
    for proxy in proxies { report.outbound.append(await proxy.report()) }
    for agent in shellAgents.values { report.sessions.append(await agent.link.report()) }
    for gateway in gateways.values { report.sessions.append(await gateway.link.report()) }
    if leavesConnections { report.notes?.append(Self.connectionsStay) }
    return report
  }
}
