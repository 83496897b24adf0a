import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// The ready Pods behind a Service now (discovery.k8s.io/v1 EndpointSlices), without the endpoints that somebody else
/// keeps: those do not follow the selector.
public struct ServiceEndpoints: Sendable {
  /// Names of ready agent Pods, on every port.
  public var agents: Set<String> = []
  /// Names of other ready Pods.
  public var origin: Set<String> = []
  /// The ports on which the agents are listed.
  public var agentPorts: Set<Int> = []

  public init(_ slices: [JSONValue], agentPrefix: String) {
    for slice in slices where !ForeignEndpoints.isForeign(slice) {
      for endpoint in slice.endpoints where endpoint.isReady && !endpoint.isTerminating {
        guard let name = endpoint.targetName ?? endpoint.addresses.first else { continue }
        if name.hasPrefix(agentPrefix + "-") {
          agents.insert(name)
          agentPorts.formUnion((slice["ports"]?.elements ?? []).compactMap(\.portNumber).map(Int.init))
        } else {
          origin.insert(name)
        }
      }
    }
  }

  /// Reads the ready Pods.
  public static func read(client: KubeClient, namespace: String, service: String, workload: String)
    async throws(ControlError) -> ServiceEndpoints
  {
    ServiceEndpoints(
      try await slices(client: client, namespace: namespace, service: service), agentPrefix: AgentNames.base(workload))
  }

  /// Reads the Service's EndpointSlices.
  static func slices(client: KubeClient, namespace: String, service: String) async throws(ControlError) -> [JSONValue] {
    try await attempt("listing the EndpointSlices of \(namespace)/\(service)") { () async throws(KubeError) in
      try await client.list(.endpointSlices, namespace: namespace, labels: selector(service)).items
    }
  }

  private static func selector(_ service: String) -> LabelSelector {
    LabelSelector(matchLabels: ["kubernetes.io/service-name": service])
  }

  /// Reports the ready Pods, now and after each change, until its task is cancelled or `tell` returns false.
  /// - Returns: true if `tell` ended it.
  /// - Throws: `KubeError` for a failure that waiting cannot mend.
  static func follow(
    client: KubeClient, namespace: String, service: String, workload: String, _ tell: (ServiceEndpoints) async -> Bool
  ) async throws(KubeError) -> Bool {
    let prefix = AgentNames.base(workload)
    var slices: [String: JSONValue] = [:]
    var iterator = client.watch(.endpointSlices, namespace: namespace, labels: selector(service)).makeAsyncIterator()
    while let event = try await iterator.next(isolation: nil) {
      guard let object = event.object, let name = object.name else { continue }
      if case .deleted = event { slices[name] = nil } else { slices[name] = object }
      if await !tell(ServiceEndpoints(Array(slices.values), agentPrefix: prefix)) { return true }
    }
    return false
  }

  /// Waits, by a watch, until the ready Pods satisfy `condition`; returns false if they do not within `limit`.
  public static func wait(
    client: KubeClient, namespace: String, service: String, workload: String, within limit: Duration,
    until condition: @escaping @Sendable (ServiceEndpoints) -> Bool
  ) async throws(ControlError) -> Bool {
    let outcome: Result<Bool, ControlError> = await withTaskGroup(of: Result<Bool, ControlError>.self) { group in
      group.addTask {
        do throws(KubeError) {
          return .success(
            try await follow(client: client, namespace: namespace, service: service, workload: workload) {
              !condition($0)
            })
        } catch {
          return .failure(ControlError(error, doing: "watching the EndpointSlices of \(namespace)/\(service)"))
        }
      }
      group.addTask {
        try? await Task.sleep(for: limit)
        return .success(false)
      }
      let first = await group.next() ?? .success(false)
      group.cancelAll()
      return first
    }
    if Task.isCancelled { throw ControlError(.cancelled, "cancelled") }
    return try outcome.get()
  }
}
