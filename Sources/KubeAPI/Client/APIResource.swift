import KubeObjects

/// A kind of object, as the API's paths name it.
public struct APIResource: Sendable, Hashable, CustomStringConvertible {
  /// Empty for the core group.
  public let group: String
  public let version: String
  public let plural: String
  public let kind: String
  public let namespaced: Bool

  public init(group: String, version: String, plural: String, kind: String, namespaced: Bool = true) {
    self.group = group
    self.version = version
    self.plural = plural
    self.kind = kind
    self.namespaced = namespaced
  }

  /// `v1`, `apps/v1`.
  public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

  /// `pods`, `deployments.apps`: the name in RBAC and kubectl.
  public var description: String { group.isEmpty ? plural : "\(plural).\(group)" }

  /// Returns the path of the collection, of one object, or of a part of it (`scale`, `status`, `log`).
  /// - Parameter namespace: nil for all namespaces, and for resources that have none.
  public func path(namespace: String?, name: String? = nil, subresource: String? = nil) -> String {
    var parts = group.isEmpty ? ["api", version] : ["apis", group, version]
    if namespaced, let namespace { parts += ["namespaces", namespace] }
    parts.append(plural)
    if let name { parts.append(name) }
    if let subresource { parts += subresource.split(separator: "/").map(String.init) }
    return parts.map { "/" + percentEncoded($0) }.joined()
  }
}

extension APIResource {
  public static let pods = core("pods", "Pod")
  public static let services = core("services", "Service")
  public static let configMaps = core("configmaps", "ConfigMap")
  public static let secrets = core("secrets", "Secret")
  public static let events = core("events", "Event")
  public static let persistentVolumeClaims = core("persistentvolumeclaims", "PersistentVolumeClaim")
  public static let resourceQuotas = core("resourcequotas", "ResourceQuota")
  public static let limitRanges = core("limitranges", "LimitRange")
  public static let serviceAccounts = core("serviceaccounts", "ServiceAccount")
  public static let endpoints = core("endpoints", "Endpoints")
  public static let namespaces = core("namespaces", "Namespace", namespaced: false)
  public static let nodes = core("nodes", "Node", namespaced: false)
  public static let deployments = apps("deployments", "Deployment")
  public static let replicaSets = apps("replicasets", "ReplicaSet")
  public static let statefulSets = apps("statefulsets", "StatefulSet")
  public static let daemonSets = apps("daemonsets", "DaemonSet")
  public static let replicationControllers = core("replicationcontrollers", "ReplicationController")
  public static let jobs = APIResource(group: "batch", version: "v1", plural: "jobs", kind: "Job")
  public static let cronJobs = APIResource(group: "batch", version: "v1", plural: "cronjobs", kind: "CronJob")
  public static let endpointSlices = APIResource(
    group: "discovery.k8s.io", version: "v1", plural: "endpointslices", kind: "EndpointSlice")
  public static let leases = APIResource(group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease")
  public static let serviceCIDRs = APIResource(
    group: "networking.k8s.io", version: "v1", plural: "servicecidrs", kind: "ServiceCIDR", namespaced: false)
  public static let networkPolicies = APIResource(
    group: "networking.k8s.io", version: "v1", plural: "networkpolicies", kind: "NetworkPolicy")
  public static let horizontalPodAutoscalers = APIResource(
    group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers", kind: "HorizontalPodAutoscaler")

  private static func core(_ plural: String, _ kind: String, namespaced: Bool = true) -> APIResource {
    APIResource(group: "", version: "v1", plural: plural, kind: kind, namespaced: namespaced)
  }

  private static func apps(_ plural: String, _ kind: String) -> APIResource {
    APIResource(group: "apps", version: "v1", plural: plural, kind: kind)
  }
}
