import Agents
import ControlAPI
import InterceptMachine
import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The holders of intercepted Services, from lists that are read once for all of them.
public struct InterceptHolders: Sendable {
  /// A holder of one Service.
  public struct Entry: Hashable, Sendable {
    public var holder: Holder
    /// RFC 3339; empty if it is not known.
    public var since: String
    /// True if their Lease was renewed lately.
    public var isFresh: Bool
    /// The time of that renewal; nil without a Lease.
    public var renewed: Date?
    /// The requests that they take; nil for all of a port.
    public var rules: RequestRules?
  }

  private var agents: [String: JSONValue] = [:]
  private var leases: [String: WorkloadLease.Held] = [:]

  /// - Parameters:
  ///   - agents: the agents' Deployments.
  ///   - leases: the holders' Leases.
  public init(agents: [JSONValue], leases: [JSONValue]) {
    for agent in agents {
      guard let namespace = agent.namespace, let label = agent.labels[AgentNames.agentLabel] else { continue }
      self.agents["\(namespace)/\(label)"] = agent
    }
    for lease in leases { self.leases[lease.place] = WorkloadLease.held(lease) }
  }

  /// Returns the holders of a diverted Service, sorted by name.
  public func of(_ service: JSONValue) -> [Entry] {
    guard let namespace = service.namespace, let name = service.name,
      let label = service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel],
      let agent = agents["\(namespace)/\(label)"], let workload = AgentNames.workload(of: agent)
    else { return [] }
    guard let claims = ClaimsRecord.read(agent) else {
      // A version without claims made it: its one Lease has the agent's name.
      return leases["\(namespace)/\(AgentNames.base(workload))"].map {
        [Entry(holder: $0.holder, since: $0.since, isFresh: $0.isFresh, renewed: $0.renewed)]
      } ?? []
    }
    let own = claims.all.map(\.claim).filter { $0.services.contains(name) }
    let alike = Dictionary(grouping: own) { Claim(holder: $0.holder, services: [], count: 0, rules: $0.rules) }
    return alike.map { claim, claims in
      let lease = leases["\(namespace)/\(HolderLease.name(workload, claim.holder))"]
      return Entry(
        holder: Holder(identity: claim.holder), since: claims.map(\.since).min() ?? "",
        isFresh: lease?.isFresh ?? false, renewed: lease?.renewed,
        rules: claim.rules.flatMap { RequestRules(texts: $0) })
    }.sorted {
      ($0.holder.identity, $0.rules?.description ?? "") < ($1.holder.identity, $1.rules?.description ?? "")
    }
  }

  /// Returns those who take a request to one of a diverted Service's Pod ports, in the agent's order.
  public func takers(of head: WayHead, service: JSONValue, podPort: UInt16) -> [PortTaker] {
    guard let label = service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel],
      let claims = agents["\(service.namespace ?? "")/\(label)"].flatMap(ClaimsRecord.read)
    else { return [] }
    return Planner.taking(head.read, port: podPort, claims)
  }
}
