import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// Who stands behind a Service right now (discovery.k8s.io/v1 EndpointSlices).
public struct ServiceEndpoints: Sendable {
  /// Names of ready agent Pods, on every port.
  public var agents: Set<String> = []
  /// Names of other ready Pods.
  public var origin: Set<String> = []
  public var agentPorts: Set<Int> = []

  public init(_ slices: [JSONValue], agentPrefix: String) {
    for slice in slices {
      for endpoint in slice["endpoints"]?.elements ?? [] {
        let conditions = endpoint["conditions"]
        guard conditions?["ready"]?.boolValue != false, conditions?["terminating"]?.boolValue != true else { continue }
        let name = endpoint[path: "targetRef", "name"]?.stringValue ?? endpoint["addresses"]?[0]?.stringValue ?? ""
        if name.hasPrefix(agentPrefix + "-") {
          agents.insert(name)
          agentPorts.formUnion((slice["ports"]?.elements ?? []).compactMap { $0["port"]?.intValue })
        } else {
          origin.insert(name)
        }
      }
    }
  }

  /// Waits until what stands behind a Service satisfies `condition`, by a watch.
  public static func wait(
    client: KubeClient, namespace: String, service: String, workload: String, within limit: Duration,
    until condition: @escaping @Sendable (ServiceEndpoints) -> Bool
  ) async throws(ControlError) -> Bool {
    let labels = LabelSelector(matchLabels: ["kubernetes.io/service-name": service])
    let prefix = AgentNames.base(workload)
    let outcome: Result<Bool, ControlError> = await withTaskGroup(of: Result<Bool, ControlError>.self) { group in
      group.addTask {
        var slices: [String: JSONValue] = [:]
        do throws(KubeError) {
          var iterator = client.watch(.endpointSlices, namespace: namespace, labels: labels).makeAsyncIterator()
          while let event = try await iterator.next(isolation: nil) {
            guard let object = event.object, let name = object.name else { continue }
            if case .deleted = event { slices[name] = nil } else { slices[name] = object }
            if condition(ServiceEndpoints(Array(slices.values), agentPrefix: prefix)) { return .success(true) }
          }
          return .success(false)
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
