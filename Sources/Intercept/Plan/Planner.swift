import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// Reads what an intercept needs, and refuses what cannot be intercepted safely, with the reason. It changes nothing.
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
    try check(workload.template, request.service)

    var ports: [PlannedPort] = []
    for port in rules.ports {
      let number = port["port"]?.intValue ?? 0
      guard let target = ServiceRules.targetPort(port, template: workload.template) else {
        throw ControlError(
          .refused, "port \(number) of Service \(namespace)/\(request.service) targets '\(port["targetPort"]?.stringValue ?? "")', which no container of \(workload.description) declares",
          remedy: "Declare a containerPort of that name, or target a number.")
      }
      ports.append(PlannedPort(service: number, name: port.name_, target: target, host: nil, speaksHTTP2: rules.speaksHTTP2(port)))
    }
    try map(request.ports, onto: &ports, request)

    let listen = try await everyTargetPort(of: workload, including: ports.map(\.target))
    let container = try AgentPodTemplate.container(of: workload.template, declaring: ports.map { Int($0.target) }, named: request.container)
    return InterceptPlan(
      namespace: namespace, service: request.service, clusterIP: service[path: "spec", "clusterIP"]?.stringValue, workload: workload, container: container, ports: ports, listen: listen, selector: selector,
      nodes: Array(Set(pods.compactMap { $0[path: "spec", "nodeName"]?.stringValue })).sorted(), warnings: rules.warnings)
  }

  private func check(_ template: JSONValue, _ service: String) throws(ControlError) {
    let spec = template["spec"] ?? [:]
    if spec["hostNetwork"]?.boolValue == true {
      throw ControlError(
        .refused, "the Pods of Service \(namespace)/\(service) use the node's network: the agent's ports would clash with theirs",
        remedy: "Intercept a workload without hostNetwork.")
    }
    if spec[path: "os", "name"]?.stringValue == "windows" || spec[path: "nodeSelector", "kubernetes.io/os"]?.stringValue == "windows" {
      throw ControlError(.refused, "the Pods of Service \(namespace)/\(service) run on Windows nodes; the agent runs on Linux only")
    }
  }

  // MARK: Ports

  private func map(_ wanted: [PortMapping], onto ports: inout [PlannedPort], _ request: InterceptRequest) throws(ControlError) {
    let service = request.service
    guard !wanted.isEmpty else {
      // A Service answers on its own ports; a process on the host, and a Pod, on the container's.
      let isService = request.target?.isService ?? false
      for index in ports.indices { ports[index].host = isService ? UInt16(ports[index].service) : ports[index].target }
      return
    }
    let all = ports.map { "\($0.service)" + ($0.name.map { " (\($0))" } ?? "") }.joined(separator: ", ")
    for mapping in wanted {
      let index: Int?
      if let name = mapping.service {
        index = ports.firstIndex { String($0.service) == name || $0.name == name }
      } else {
        guard ports.count == 1 else {
          throw ControlError(.badInput, "Service \(namespace)/\(service) has several ports: \(all)", remedy: "Say which: --port \(mapping.host):PORT.")
        }
        index = 0
      }
      guard let index else {
        throw ControlError(.notFound, "Service \(namespace)/\(service) has no port '\(mapping.service ?? "")'", remedy: "It has: \(all).")
      }
      guard ports[index].host == nil else {
        throw ControlError(.badInput, "port \(ports[index].service) is given twice", remedy: "Give each port of the Service once.")
      }
      ports[index].host = mapping.host
    }
  }

  /// All ports that any Service targets on these Pods: the agent bears their labels, so that it becomes an endpoint of each.
  private func everyTargetPort(of workload: Workload, including own: [UInt16]) async throws(ControlError) -> [UInt16] {
    let services = try await attempt("listing Services of \(namespace)") { () async throws(KubeError) in try await client.list(.services, namespace: namespace) }
    let labels = workload.template.labels
    var all = Set(own)
    for service in services.items {
      var selector = service[path: "spec", "selector"]?.stringMap ?? [:]
      selector[AgentNames.agentLabel] = nil
      guard !selector.isEmpty, service.labels[AgentNames.managedByLabel] != AgentNames.managedBy,
        selector.allSatisfy({ labels[$0.key] == $0.value })
      else { continue }
      for port in service[path: "spec", "ports"]?.elements ?? [] {
        guard ServiceRules.transport(port) == "TCP" else {
          throw ControlError(
            .refused, "Service \(namespace)/\(service.name ?? "") sends \(ServiceRules.transport(port)) to the same Pods, which the agent could not pass on",
            remedy: "An intercept is possible once no Service with such a port selects these Pods.")
        }
        if let target = ServiceRules.targetPort(port, template: workload.template) { all.insert(target) }
      }
    }
    return all.sorted()
  }
}
