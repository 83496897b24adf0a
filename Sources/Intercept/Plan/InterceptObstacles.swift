import Agents
import KubeAPI
import KubeObjects
import Workloads

/// The reasons why Services cannot be intercepted, for `list`, from lists that are read once for all of them. An
/// intercept looks more closely.
public struct InterceptObstacles: Sendable {
  private let pods: [JSONValue]?
  private let replicaSets: [String: JSONValue]?

  /// - Parameters:
  ///   - pods: of the Services' namespaces; nil if they may not be listed: only the Services are checked then.
  ///   - replicaSets: the same.
  public init(pods: [JSONValue]?, replicaSets: [JSONValue]?) {
    self.pods = pods?.filter(WorkloadFinder.isLiving)
    self.replicaSets = replicaSets.map { sets in
      Dictionary(sets.map { ($0.place, $0) }, uniquingKeysWith: { $1 })
    }
  }

  /// Returns the option that an intercept of the Service needs; nil if it needs none.
  public static func option(for service: JSONValue) -> String? {
    ServiceRules(service: service).isHeadless ? "--headless" : nil
  }

  /// Returns the first reason that is found; nil if there is none.
  public func of(_ service: JSONValue) -> String? {
    let rules = ServiceRules(service: service)
    if let obstacle = rules.obstacle(headless: true) { return obstacle.reason }
    guard let pods, rules.agent == nil else { return nil }
    var selector = rules.selector
    selector[AgentNames.agentLabel] = nil
    let own = pods.filter { pod in
      pod.namespace == service.namespace && selector.allSatisfy { pod.labels[$0.key] == $0.value }
    }
    if let replicaSets, let namespace = service.namespace {
      let owners = WorkloadOwner.all(of: own) { owner in
        owner.kind == "ReplicaSet" ? replicaSets["\(namespace)/\(owner.name)"] : nil
      }
      if let refusal = WorkloadFinder.refusal(of: owners, service: service.place) { return refusal.message }
    }
    // A Pod has its template's ports.
    guard let pod = own.first else { return nil }
    return (rules.refusal(of: pod, workload: "the Pods") ?? rules.refusal(of: own))?.message
  }
}
