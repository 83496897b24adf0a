import Agents
import ControlAPI
import KubeAPI
import KubeObjects

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
    let rules = ServiceRules(service: service)
    if let obstacle = rules.obstacle { throw ControlError(.refused, obstacle.reason, remedy: obstacle.remedy) }
    var selector = rules.selector
    selector[AgentNames.agentLabel] = nil  // diverted already: the Lease decides whose it is

    let pods = try await workloads.pods(selector)
    let workload = try await workloads.owner(of: pods, service: request.service)
    if let refusal = rules.refusal(of: workload.template, workload: workload.description) { throw refusal }

    var ports: [PlannedPort] = []
    for port in rules.ports {
      guard let target = ServiceRules.targetPort(port, template: workload.template) else { continue }
      ports.append(
        PlannedPort(
          servicePort: port["port"]?.intValue ?? 0, name: port.entryName, podPort: target, localPort: nil,
          speaksHTTP2: rules.speaksHTTP2(port)))
    }
    try map(request.ports, onto: &ports, request)

    let (listen, sharing) = try await everyTargetPort(of: workload, ports, besides: request.service)
    let container = try AgentPodTemplate.container(
      of: workload.template, declaring: ports.map { Int($0.podPort) }, named: request.container)
    try await Permission.require(Permission.toIntercept, for: "an intercept", client: client, namespace: namespace)
    return InterceptPlan(
      namespace: namespace, service: request.service, clusterIP: service[path: "spec", "clusterIP"]?.stringValue,
      workload: workload, container: container, ports: ports, listen: listen, selector: selector,
      nodes: Array(Set(pods.compactMap { $0[path: "spec", "nodeName"]?.stringValue })).sorted(),
      warnings: rules.warnings
        + sharing.map {
          "Service \($0) targets the same port of the same Pods: some of its connections arrive here, too"
        })
  }

  // MARK: Ports

  private func map(_ wanted: [PortMapping], onto ports: inout [PlannedPort], _ request: InterceptRequest)
    throws(ControlError)
  {
    let service = request.service
    guard !wanted.isEmpty else {
      // A Service answers on its own ports; a process on the host, or a Pod, on the container's.
      let isService = request.target?.isService ?? false
      for index in ports.indices {
        ports[index].localPort = isService ? UInt16(exactly: ports[index].servicePort) : ports[index].podPort
      }
      return
    }
    let all = ports.map { "\($0.servicePort)" + ($0.name.map { " (\($0))" } ?? "") }.joined(separator: ", ")
    for mapping in wanted {
      let index: Int?
      if let name = mapping.remote {
        index = ports.firstIndex { String($0.servicePort) == name || $0.name == name }
      } else {
        guard ports.count == 1 else {
          throw ControlError(
            .badInput, "Service \(namespace)/\(service) has several ports: \(all)",
            remedy: "Say which: --port \(mapping.local):PORT.")
        }
        index = 0
      }
      guard let index else {
        throw ControlError(
          .notFound, "Service \(namespace)/\(service) has no port '\(mapping.remote ?? "")'", remedy: "It has: \(all)."
        )
      }
      guard ports[index].localPort == nil else {
        throw ControlError(
          .badInput, "port \(ports[index].servicePort) is given twice", remedy: "Give each port of the Service once.")
      }
      ports[index].localPort = mapping.local
    }
  }

  /// Returns all ports that any Service targets on these Pods: the agent has their labels, so that it becomes an
  /// endpoint of each.
  /// - Returns: the ports, and the names of other Services that target an intercepted one: the agent cannot distinguish
  ///   their connections.
  private func everyTargetPort(
    of workload: Workload, _ own: [PlannedPort], besides name: String
  ) async throws(ControlError) -> (ports: [UInt16], sharing: [String]) {
    let services = try await attempt("listing Services of \(namespace)") { () async throws(KubeError) in
      try await client.list(.services, namespace: namespace)
    }
    let labels = workload.template.labels
    var all = Set(own.map(\.podPort))
    let taken = Set(own.filter { $0.localPort != nil }.map(\.podPort))
    var sharing: Set<String> = []
    for service in services.items {
      var selector = service[path: "spec", "selector"]?.stringMap ?? [:]
      selector[AgentNames.agentLabel] = nil
      guard !selector.isEmpty, service.labels[AgentNames.managedByLabel] != AgentNames.managedBy,
        selector.allSatisfy({ labels[$0.key] == $0.value })
      else { continue }
      for port in service[path: "spec", "ports"]?.elements ?? [] {
        guard ServiceRules.transport(port) == "TCP" else {
          throw ControlError(
            .refused,
            "Service \(namespace)/\(service.name ?? "") sends \(ServiceRules.transport(port)) to the same Pods, "
              + "which the agent could not pass on",
            remedy: "An intercept is possible once no Service with such a port selects these Pods.")
        }
        guard let target = ServiceRules.targetPort(port, template: workload.template) else { continue }
        all.insert(target)
        if taken.contains(target), let other = service.name, other != name { sharing.insert(other) }
      }
    }
    return (all.sorted(), sharing.sorted())
  }
}
