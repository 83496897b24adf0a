import ControlAPI
import KubeAPI
import KubeObjects

/// The Services that select one workload's agent. One agent stands for all of them: what ends it ends for each.
public struct DivertedServices: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let workload: String

  public init(client: KubeClient, namespace: String, workload: String) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
  }

  /// Those among the namespace's Services; the agent's own headless ones are none of them.
  public static func among(_ services: [JSONValue], workload: String) -> [JSONValue] {
    let own = [AgentNames.originService(workload), AgentNames.agentsService(workload)]
    return services.filter { ServiceDivert.key(of: $0) == AgentNames.label(workload) && !own.contains($0.name ?? "") }
  }

  /// Those that select the agent now.
  public func all() async throws(ControlError) -> [JSONValue] {
    let services = try await attempt("listing Services of \(namespace)") { () async throws(KubeError) in
      try await client.list(.services, namespace: namespace)
    }
    return Self.among(services.items, workload: workload)
  }

  /// Gives back each one that bears our record of its own selector.
  /// - Returns: the names of those that were given back; none selects the agent any more.
  /// - Throws: `.refused` where one selects the agent without our record: somebody else wrote that, and may want it.
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
          "Service \(namespace)/\(foreign) selects the agent of \(workload), and does not bear devtunnel's record of its own selector",
          remedy:
            "The agent stays, since without it that Service would have no endpoint. `devtunnel restore \(foreign) -n \(namespace)` takes the key "
            + "\(AgentNames.agentLabel) out of its selector.")
      }
    }
    throw ControlError(
      .conflict, "Services of \(namespace) are diverted to the agent of \(workload) again and again",
      remedy: "Try again.")
  }
}
