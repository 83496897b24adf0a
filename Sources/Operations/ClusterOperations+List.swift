import Agents
import ControlAPI
import Intercept
import KubeAPI
import KubeObjects

extension ClusterOperations {
  public func list(_ cluster: ClusterSelection, allNamespaces: Bool) async throws -> [ListEntry] {
    let client = try await reach(cluster).client.within(.seconds(20))
    let namespace: String? = allNamespaces ? nil : client.access.namespace
    let place = namespace.map { "namespace \($0)" } ?? "all namespaces"
    let services = try await attempt("listing Services of \(place)") { () async throws(KubeError) in
      try await client.list(.services, namespace: namespace)
    }
    let ours = LabelSelector(matchLabels: [AgentNames.managedByLabel: AgentNames.managedBy])
    let (agents, leases) = try await attempt("listing Deployments and Leases of \(place)") {
      () async throws(KubeError) in
      (
        try await client.list(.deployments, namespace: namespace, labels: ours).items,
        try await client.list(.leases, namespace: namespace, labels: ours).items
      )
    }
    let held = InterceptHolders(agents: agents, leases: leases)
    let obstacles = InterceptObstacles(
      pods: try? await client.list(.pods, namespace: namespace).items,
      replicaSets: try? await client.list(.replicaSets, namespace: namespace).items)
    return services.items.filter { $0.labels[AgentNames.managedByLabel] != AgentNames.managedBy }.map { service in
      let agent = service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel]
      let holders = agent == nil ? [] : held.of(service)
      return ListEntry(
        context: client.access.contextName, namespace: service.namespace ?? "", service: service.name ?? "",
        ports: (service[path: "spec", "ports"]?.elements ?? []).map { port in
          "\(port["port"]?.intValue ?? 0)" + (port["name"]?.stringValue.map { "/\($0)" } ?? "")
        },
        workload: agent, obstacle: obstacles.of(service), option: InterceptObstacles.option(for: service),
        interceptedBy: agent == nil
          ? nil
          : holders.isEmpty
            ? "no one (left over)"
            : holders.map { $0.holder.told(to: holder) + ($0.isFresh ? "" : " (stale)") }.joined(separator: ", "),
        since: holders.first?.since)
    }.sorted { ($0.namespace, $0.service) < ($1.namespace, $1.service) }
  }
}
