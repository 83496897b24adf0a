import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// The workload whose place in the cluster a shell takes.
public struct ShellTarget: Sendable {
  public let workload: Workload
  var container: String
  /// Nodes of its Pods, which have the image.
  var nodes: [String]
  /// Volumes that the agent goes without.
  public let claims: VolumeClaims
  /// Remarks for the user.
  public let warnings: [String]

  /// - Parameter request: names a Service or a workload.
  /// - Returns: nil if it names neither.
  public static func find(_ request: ShellRequest, client: KubeClient, namespace: String) async throws(ControlError)
    -> ShellTarget?
  {
    let finder = WorkloadFinder(client: client, namespace: namespace)
    let workload: Workload
    let pods: [JSONValue]
    var ports: [Int] = []
    if let name = request.service {
      let service = try await finder.find(.services, name)
      var selector = service[path: "spec", "selector"]?.stringMap ?? [:]
      selector[AgentNames.agentLabel] = nil
      guard !selector.isEmpty else {
        throw ControlError(
          .refused, "Service \(namespace)/\(name) has no selector: there is no workload behind it",
          remedy: "Name one: --workload KIND/NAME, or leave both out.")
      }
      pods = try await finder.pods(selector)
      workload = try await finder.owner(of: pods, service: name, selector: selector)
      ports = Self.ports(of: service, request.intercept?.ports ?? [], in: workload.template)
    } else if let name = request.workload {
      let (resource, name) = try parse(name)
      (workload, pods) = try await finder.workload(resource, name)
    } else {
      return nil
    }
    if workload.template[path: "spec", "nodeSelector", "kubernetes.io/os"]?.stringValue == "windows" {
      throw ControlError(.refused, "\(workload.description) runs on Windows nodes; the agent runs on Linux only")
    }
    let container: String
    if ports.isEmpty, request.container == nil, let first = workload.template.ordinaryContainers.first?.entryName {
      // kubectl's choice too.
      container = workload.template.annotations["kubectl.kubernetes.io/default-container"] ?? first
    } else {
      container = try AgentPodTemplate.container(of: workload.template, declaring: ports, named: request.container)
    }
    let nodes = Set(pods.compactMap(\.nodeName)).sorted()
    return ShellTarget(
      workload: workload, container: container, nodes: nodes,
      claims: try await VolumeClaims.read(client: client, namespace: namespace, workload: workload),
      warnings: request.container == nil ? AgentPodTemplate.remark(on: container, of: workload.template) : [])
  }

  /// Returns the Pods' ports behind a Service's, those that are taken over if any are named.
  static func ports(of service: JSONValue, _ taken: [PortMapping], in template: JSONValue) -> [Int] {
    let names = taken.compactMap(\.remote)
    let ports = (service[path: "spec", "ports"]?.elements ?? []).filter { port in
      names.isEmpty || names.contains(where: port.isPort)
    }
    return ports.compactMap { port in
      let target = port["targetPort"] ?? port["port"]
      return target?.intValue ?? target?.stringValue.flatMap { template.declaredPort(named: $0).map { Int($0) } }
    }
  }

  /// Parses `deployment/user` and kubectl's other spellings.
  static func parse(_ text: String) throws(ControlError) -> (APIResource, String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else {
      throw ControlError(
        .badInput, "'\(text)' names no workload",
        remedy: "Write KIND/NAME: deployment/user, statefulset/db, daemonset/log, pod/user-0.")
    }
    switch parts[0].lowercased() {
    case "deployment", "deployments", "deploy", "deployment.apps": return (.deployments, parts[1])
    case "statefulset", "statefulsets", "sts", "statefulset.apps": return (.statefulSets, parts[1])
    case "daemonset", "daemonsets", "ds", "daemonset.apps": return (.daemonSets, parts[1])
    case "replicaset", "replicasets", "rs", "replicaset.apps": return (.replicaSets, parts[1])
    case "replicationcontroller", "replicationcontrollers", "rc": return (.replicationControllers, parts[1])
    case "job", "jobs", "job.batch": return (.jobs, parts[1])
    case "cronjob", "cronjobs", "cj", "cronjob.batch": return (.cronJobs, parts[1])
    case "pod", "pods", "po": return (.pods, parts[1])
    default:
      throw ControlError(
        .badInput, "'\(parts[0])' is no kind of workload that is known here",
        remedy:
          "Use deployment, statefulset, daemonset, replicaset, replicationcontroller, job, cronjob or pod; "
          + "or --service, for Pods of any owner.")
    }
  }

  /// The container in the workload's template.
  public var containerObject: JSONValue {
    workload.template.runningContainers.first { $0.entryName == container } ?? [:]
  }
}
