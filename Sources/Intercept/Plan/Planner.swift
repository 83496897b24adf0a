import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// Reads what an intercept needs, and refuses a Service that cannot be intercepted safely, with the reason. It changes
/// nothing.
public struct Planner: Sendable {
  public let client: KubeClient
  public let namespace: String

  public init(client: KubeClient, namespace: String) {
    self.client = client
    self.namespace = namespace
  }

  public func plan(_ request: InterceptRequest) async throws(ControlError) -> InterceptPlan {
    let workloads = WorkloadFinder(client: client, namespace: namespace)
    let service = try await workloads.find(.services, request.service)
    let slices = try await ServiceEndpoints.slices(client: client, namespace: namespace, service: request.service)
    let rules = ServiceRules(service: service, foreign: ForeignEndpoints(slices))
    if let obstacle = rules.obstacle(headless: request.headless) {
      throw ControlError(.refused, obstacle.reason, remedy: obstacle.remedy)
    }
    if request.headless, !rules.isHeadless {
      throw ControlError(
        .badInput, "Service \(namespace)/\(request.service) has a cluster address: --headless is for Services without",
        remedy: "Leave --headless out.")
    }
    var selector = rules.selector
    selector[AgentNames.agentLabel] = nil  // diverted already: the Lease decides whose it is

    let pods = try await workloads.pods(selector)
    let workload = try await workloads.owner(of: pods, service: request.service, selector: selector)
    let refusal =
      rules.refusal(of: workload.template, workload: workload.description) ?? rules.refusal(of: pods)
      ?? Self.refusal(of: workload, for: request)
    if let refusal { throw refusal }

    let name = "\(namespace)/\(request.service)"
    var ports = rules.plannedPorts(workload.template)
    let datagrams = rules.datagrams
    let wanted = try PortMap(service: name, ports: ports, datagrams: datagrams).taken(request.ports)
    let container = try AgentPodTemplate.container(
      of: workload.template, declaring: wanted.map { Int($0.podPort) }, named: request.container)
    let remarks = ContainerRemarks(template: workload.template, container: container)
    let gates = request.keepContainers ? try remarks.passGates(&ports, given: request.containerPort) : [:]
    var map = PortMap(service: name, ports: ports, datagrams: datagrams)
    try map.map(request.ports, toService: request.target?.isService ?? false)
    let taken = map.ports.filter { $0.localPort != nil }

    let services = try await attempt("listing Services of \(namespace)") { () async throws(KubeError) in
      try await client.list(.services, namespace: namespace)
    }
    let neighbours = try Neighbours(services.items, of: workload, besides: request.service, ports: map.ports)
    let claims = try await VolumeClaims.read(client: client, namespace: namespace, workload: workload)
    try await Permission.require(Permission.toIntercept, for: "an intercept", client: client, namespace: namespace)
    let nodes = Array(Set(pods.compactMap(\.nodeName))).sorted()
    var plan = InterceptPlan(
      namespace: namespace, service: request.service, clusterIP: service[path: "spec", "clusterIP"]?.stringValue,
      workload: workload, container: container, ports: map.ports, listen: neighbours.ports, selector: selector,
      nodes: nodes, warnings: rules.warnings + map.warnings)
    plan.datagrams = neighbours.datagrams
    if request.keepContainers {
      plan.keptPorts = remarks.others
      plan.keptDatagrams = Set(plan.datagrams.filter(remarks.serves(datagrams:)))
      plan.datagrams.removeAll(where: plan.keptDatagrams.contains)
      plan.gates = gates.filter { !neighbours.ports.contains($0.key) }
      plan.listen = Array(Set(neighbours.ports).subtracting(plan.keptPorts).union(gates.keys)).sorted()
    } else {
      plan.warnings += remarks.warnings(taken, service: name)
    }
    plan.warnings += neighbours.warnings + claims.warnings
    if let wanted = request.rules, !wanted.wantsAllCopies { plan.warnings += taken.compactMap { $0.opacity(of: name) } }
    if request.environment, request.container == nil {
      plan.warnings += AgentPodTemplate.remark(on: container, of: workload.template)
    }
    plan.droppedVolumes = claims.left
    if rules.localPolicy != nil || claims.tiesToNode { plan.requiredNode = nodes.first }
    if rules.isHeadless {
      plan.isHeadless = true
      plan.podName = rules.podNames(pods).first
      plan.listen = Array(Set(plan.listen).union(workload.template.declaredNumbers)).sorted()
    }
    return plan
  }

  /// Returns the reason why a workload does not allow what the user asked for beside the intercept; nil if it does.
  static func refusal(of workload: Workload, for request: InterceptRequest) -> ControlError? {
    if request.replace, request.rules != nil {
      return ControlError(
        .badInput, "--replace scales \(workload.description) to zero, and requests that meet no rule have to go there",
        remedy: "Leave --replace out, or intercept all of the Service.")
    }
    if request.replace, !workload.canScale {
      return ControlError(
        .refused,
        "--replace cannot scale \(workload.description): it does Deployments, StatefulSets and ReplicaSets",
        remedy: "Leave --replace out, or scale it to zero yourself once the intercept is active.")
    }
    if request.moveConnections == .yes, !workload.canRestart {
      return ControlError(
        .refused,
        "--move-connections yes cannot restart the Pods of \(workload.description) one after the other: "
          + "it does so for Deployments, StatefulSets and DaemonSets with a rolling update that is not paused",
        remedy: "Leave it out: open connections then stay with the Pods, until you end those yourself.")
    }
    return nil
  }
}
