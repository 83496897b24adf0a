import Agents
import ControlAPI
import Forward
import Intercept
import KubeAPI
import KubeObjects
import Workloads

extension ClusterOperations {
  public func explain(_ request: ExplainRequest) async throws -> ExplainReport {
    let there = try await reach(request.intercept.cluster)
    return try await Planner(client: there.client, namespace: there.namespace).explain(request, to: holder)
  }

  public func services(of workload: String, in cluster: ClusterSelection) async throws -> [ListEntry] {
    let target = try ForwardTarget(parsing: workload)
    guard case .workload(let resource) = target.kind else {
      throw ControlError(
        .badInput, "\(workload) is no workload", remedy: "Name one as deploy/NAME or statefulset/NAME.")
    }
    let client = try await reach(cluster).client.within(.seconds(20))
    let finder = WorkloadFinder(client: client, namespace: client.access.namespace)
    let found = try await finder.find(resource, target.name)
    let labels = found[path: "spec", "template"]?.labels ?? [:]
    let names = try await attempt("listing Services of namespace \(client.access.namespace)") {
      () async throws(KubeError) in
      try await client.list(.services, namespace: client.access.namespace).items.filter { service in
        Self.selects(service, labels)
      }.compactMap(\.name)
    }
    guard !names.isEmpty else {
      throw ControlError(
        .notFound, "no Service in namespace \(client.access.namespace) selects the Pods of \(workload)",
        remedy: "`devtunnel list` shows the Services.")
    }
    return try await list(cluster, allNamespaces: false).filter { names.contains($0.service) }
  }

  /// Checks whether a Service's own selector selects Pods with these labels.
  static func selects(_ service: JSONValue, _ labels: [String: String]) -> Bool {
    var selector = service[path: "spec", "selector"]?.stringMap ?? [:]
    selector[AgentNames.agentLabel] = nil
    return !selector.isEmpty && service.labels[AgentNames.managedByLabel] != AgentNames.managedBy
      && selector.allSatisfy { labels[$0.key] == $0.value }
  }

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
    return services.items.filter { $0.labels[AgentNames.managedByLabel] != AgentNames.managedBy }.compactMap {
      service in
      guard let namespace = service.namespace, let name = service.name else { return nil }
      let agent = service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel]
      let holders = agent == nil ? [] : held.of(service)
      let personal = holders.compactMap { one in
        one.rules.map { ListEntry.Personal(holder: one.holder.told(to: holder), rules: $0) }
      }
      return ListEntry(
        context: client.access.contextName, namespace: namespace, service: name,
        ports: (service[path: "spec", "ports"]?.elements ?? []).map { port in
          [port.portNumber.map(String.init), port.entryName].compactMap { $0 }.joined(separator: "/")
        },
        workload: agent, obstacle: obstacles.of(service), option: InterceptObstacles.option(for: service),
        interceptedBy: agent == nil
          ? nil
          : holders.isEmpty
            ? "no one (left over)"
            : holders.map { one in
              one.holder.told(to: holder) + (one.rules.map { " (\($0))" } ?? "") + (one.isFresh ? "" : " (stale)")
            }.joined(separator: ", "),
        personal: personal.isEmpty ? nil : personal,
        since: holders.first?.since)
    }.sorted { ($0.namespace, $0.service) < ($1.namespace, $1.service) }
  }
}
