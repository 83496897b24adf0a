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
    let leases = try await attempt("listing Leases of \(place)") { () async throws(KubeError) in
      try await client.list(
        .leases, namespace: namespace,
        labels: LabelSelector(matchLabels: [AgentNames.managedByLabel: AgentNames.managedBy]))
    }
    let obstacles = InterceptObstacles(
      pods: try? await client.list(.pods, namespace: namespace).items,
      replicaSets: try? await client.list(.replicaSets, namespace: namespace).items)
    var held: [String: WorkloadLease.Held] = [:]
    for lease in leases.items {
      guard let label = lease.labels[AgentNames.agentLabel] else { continue }
      held["\(lease.namespace ?? "")/\(label)"] = WorkloadLease.held(lease)
    }
    return services.items.filter { $0.labels[AgentNames.managedByLabel] != AgentNames.managedBy }.map { service in
      let agent = service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel]
      let lease = agent.flatMap { held["\(service.namespace ?? "")/\($0)"] }
      return ListEntry(
        context: client.access.contextName, namespace: service.namespace ?? "", service: service.name ?? "",
        ports: (service[path: "spec", "ports"]?.elements ?? []).map { port in
          "\(port["port"]?.intValue ?? 0)" + (port["name"]?.stringValue.map { "/\($0)" } ?? "")
        },
        workload: agent, obstacle: obstacles.of(service),
        interceptedBy: agent == nil
          ? nil : lease.map { $0.holder.told(to: holder) + ($0.isFresh ? "" : " (stale)") } ?? "no one (left over)",
        since: lease?.since)
    }.sorted { ($0.namespace, $0.service) < ($1.namespace, $1.service) }
  }
}
