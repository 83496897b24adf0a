import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// The Services that select one workload's agent. All of them share it: its end affects each.
public struct DivertedServices: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let workload: String

  public init(client: KubeClient, namespace: String, workload: String) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
  }

  /// Picks those Services out of the namespace's, without the agent's own headless ones.
  public static func among(_ services: [JSONValue], workload: String) -> [JSONValue] {
    let own = [AgentNames.originService(workload), AgentNames.agentsService(workload)]
    return services.filter { service in
      ServiceDivert.key(of: service) == AgentNames.label(workload) && !own.contains { $0 == service.name }
    }
  }

  /// Lists the Services that select the agent now.
  public func all() async throws(ControlError) -> [JSONValue] {
    let services = try await attempt("listing Services of \(namespace)") { () async throws(KubeError) in
      try await client.list(.services, namespace: namespace)
    }
    return Self.among(services.items, workload: workload)
  }

  /// Gives back each one that has our record of its own selector.
  /// - Returns: the names of those that were given back; none selects the agent any more.
  /// - Throws: `.refused` if one selects the agent without our record: someone else wrote that, and may want it.
  @discardableResult
  public func giveBack() async throws(ControlError) -> [String] {
    var names: [String] = []
    for _ in 0..<3 {
      let present = try await all()
      if present.isEmpty { return names }
      for service in present {
        guard let name = service.name, ServiceDivert.isRecorded(service) else { continue }
        if try await ServiceDivert.restore(client: client, namespace: namespace, service: name) { names.append(name) }
      }
      if let foreign = present.first(where: { !ServiceDivert.isRecorded($0) })?.name {
        throw ControlError(
          .refused,
          "Service \(namespace)/\(foreign) selects the agent of \(workload), "
            + "but has no record by devtunnel of its own selector",
          remedy:
            "The agent stays, since without it that Service would have no endpoint. "
            + "`devtunnel restore \(foreign) -n \(namespace)` takes the key "
            + "\(AgentNames.agentLabel) out of its selector.")
      }
    }
    throw ControlError(
      .conflict, "something keeps diverting Services of \(namespace) to the agent of \(workload)",
      remedy: "Try again.")
  }
}
