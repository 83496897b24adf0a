import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// The workload whose place in the cluster a shell takes.
public struct ShellTarget: Sendable {
  public let workload: Workload
  var container: String
  /// Nodes of its Pods, which have the image.
  var nodes: [String]

  /// - Parameter request: names a Service or a workload.
  /// - Returns: nil if it names neither.
  public static func find(_ request: ShellRequest, client: KubeClient, namespace: String) async throws(ControlError)
    -> ShellTarget?
  {
    let finder = WorkloadFinder(client: client, namespace: namespace)
    let workload: Workload
    var pods: [JSONValue] = []
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
      workload = try await finder.owner(of: pods, service: name)
      ports = (service[path: "spec", "ports"]?.elements ?? []).compactMap {
        $0["targetPort"]?.intValue ?? $0["port"]?.intValue
      }
    } else if let name = request.workload {
      let (resource, name) = try parse(name)
      workload = Workload(try await finder.find(resource, name), resource: resource)
      pods = try await finder.pods(workload.template.labels)
    } else {
      return nil
    }
    if workload.template[path: "spec", "nodeSelector", "kubernetes.io/os"]?.stringValue == "windows" {
      throw ControlError(.refused, "\(workload.description) runs on Windows nodes; the agent runs on Linux only")
    }
    let containers = workload.template[path: "spec", "containers"]?.elements ?? []
    let container: String
    if ports.isEmpty, request.container == nil, let first = containers.first?.entryName {
      // kubectl's choice too.
      container = workload.template.annotations["kubectl.kubernetes.io/default-container"] ?? first
    } else {
      container = try AgentPodTemplate.container(of: workload.template, declaring: ports, named: request.container)
    }
    let nodes = Set(pods.compactMap { $0[path: "spec", "nodeName"]?.stringValue }).sorted()
    return ShellTarget(workload: workload, container: container, nodes: nodes)
  }

  /// Parses `deployment/user` and kubectl's other spellings.
  static func parse(_ text: String) throws(ControlError) -> (APIResource, String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else {
      throw ControlError(
        .badInput, "'\(text)' names no workload",
        remedy: "Write KIND/NAME: deployment/user, statefulset/db, daemonset/log.")
    }
    switch parts[0].lowercased() {
    case "deployment", "deployments", "deploy", "deployment.apps": return (.deployments, parts[1])
    case "statefulset", "statefulsets", "sts", "statefulset.apps": return (.statefulSets, parts[1])
    case "daemonset", "daemonsets", "ds", "daemonset.apps": return (.daemonSets, parts[1])
    case "replicaset", "replicasets", "rs", "replicaset.apps": return (.replicaSets, parts[1])
    default:
      throw ControlError(
        .badInput, "'\(parts[0])' is no kind of workload",
        remedy: "Use deployment, statefulset, daemonset or replicaset.")
    }
  }

  /// The container in the workload's template.
  public var containerObject: JSONValue {
    (workload.template[path: "spec", "containers"]?.elements ?? []).first { $0.entryName == container } ?? [:]
  }
}
