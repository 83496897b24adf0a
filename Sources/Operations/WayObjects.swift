import Agents
import Explain
import Intercept
import KubeAPI
import KubeObjects

/// The objects around a Service, read at once. Those that the user may not read are absent.
struct WayObjects: Sendable {
  let slices: [JSONValue]
  let pods: [JSONValue]?
  let workloads: [JSONValue]
  let events: [JSONValue]
  let policies: [JSONValue]
  let holders: InterceptHolders

  init(_ client: KubeClient, service: String) async {
    let ours = LabelSelector(matchLabels: [AgentNames.managedByLabel: AgentNames.managedBy])
    let its = LabelSelector(matchLabels: ["kubernetes.io/service-name": service])
    async let slices = Self.read(client, .endpointSlices, labels: its)
    async let pods = Self.read(client, .pods)
    async let deployments = Self.read(client, .deployments)
    async let sets = Self.read(client, .replicaSets)
    async let stateful = Self.read(client, .statefulSets)
    async let daemons = Self.read(client, .daemonSets)
    async let events = Self.read(client, .events, fields: "type=Warning")
    async let policies = Self.read(client, .networkPolicies)
    async let leases = Self.read(client, .leases, labels: ours)
    self.slices = await slices ?? []
    self.pods = await pods
    workloads = await (deployments ?? []) + (stateful ?? []) + (daemons ?? []) + (sets ?? [])
    self.events = await events ?? []
    self.policies = await policies ?? []
    let agents = await (deployments ?? []).filter { $0.labels[AgentNames.managedByLabel] == AgentNames.managedBy }
    holders = InterceptHolders(agents: agents, leases: await leases ?? [])
  }

  private static func read(
    _ client: KubeClient, _ resource: APIResource, labels: LabelSelector? = nil, fields: String? = nil
  ) async -> [JSONValue]? {
    try? await client.list(resource, namespace: client.access.namespace, labels: labels, fields: fields).items
  }

  func fill(_ facts: inout WayFacts) {
    facts.slices = slices
    facts.pods = pods
    facts.workloads = workloads
    facts.events = events
    facts.policies = policies
  }
}
