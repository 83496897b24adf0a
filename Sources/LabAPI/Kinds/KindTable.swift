import LabStore

/// Every kind that the lab serves. Those without a controller here (StatefulSets, DaemonSets, …) are objects only.
enum KindTable {
  static let all: [ResourceKind] = [
    // The core group.
    ResourceKind(
      resource: .pods, kind: "Pod", singular: "pod", shortNames: ["po"], isInAll: true,
      subresources: [.status, .log, .portforward, .exec, .eviction],
      selectableFields: [
        "status.phase", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "status.podIP",
        "status.nominatedNodeName", "spec.hostNetwork",
      ]),
    ResourceKind(
      resource: .services, kind: "Service", singular: "service", shortNames: ["svc"], isInAll: true,
      subresources: [.status],
      selectableFields: ["spec.clusterIP", "spec.type"]),
    ResourceKind(resource: .configMaps, kind: "ConfigMap", singular: "configmap", shortNames: ["cm"]),
    ResourceKind(resource: .secrets, kind: "Secret", singular: "secret", selectableFields: ["type"]),
    ResourceKind(
      resource: .namespaces, kind: "Namespace", singular: "namespace", shortNames: ["ns"], isNamespaced: false,
      subresources: [.status, .finalize], selectableFields: ["status.phase"]),
    ResourceKind(
      resource: .nodes, kind: "Node", singular: "node", shortNames: ["no"], isNamespaced: false,
      subresources: [.status],
      selectableFields: ["spec.unschedulable"]),
    ResourceKind(
      resource: .events, kind: "Event", singular: "event", shortNames: ["ev"], selectableFields: eventFields),
    ResourceKind(resource: .serviceAccounts, kind: "ServiceAccount", singular: "serviceaccount", shortNames: ["sa"]),
    ResourceKind(
      resource: Resource(group: "", version: "v1", plural: "persistentvolumeclaims"), kind: "PersistentVolumeClaim",
      singular: "persistentvolumeclaim", shortNames: ["pvc"], subresources: [.status]),
    ResourceKind(
      resource: Resource(group: "", version: "v1", plural: "resourcequotas"), kind: "ResourceQuota",
      singular: "resourcequota",
      shortNames: ["quota"], subresources: [.status]),
    ResourceKind(
      resource: Resource(group: "", version: "v1", plural: "limitranges"), kind: "LimitRange", singular: "limitrange",
      shortNames: ["limits"]),

    // Workloads.
    ResourceKind(
      resource: .deployments, kind: "Deployment", singular: "deployment", shortNames: ["deploy"], isInAll: true,
      subresources: [.status, .scale]),
    ResourceKind(
      resource: .replicaSets, kind: "ReplicaSet", singular: "replicaset", shortNames: ["rs"], isInAll: true,
      subresources: [.status, .scale],
      selectableFields: ["status.replicas"]),
    ResourceKind(
      resource: Resource(group: "apps", version: "v1", plural: "statefulsets"), kind: "StatefulSet",
      singular: "statefulset",
      shortNames: ["sts"], isInAll: true, subresources: [.status, .scale]),
    ResourceKind(
      resource: Resource(group: "apps", version: "v1", plural: "daemonsets"), kind: "DaemonSet", singular: "daemonset",
      shortNames: ["ds"],
      isInAll: true, subresources: [.status]),
    ResourceKind(
      resource: Resource(group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers"),
      kind: "HorizontalPodAutoscaler",
      singular: "horizontalpodautoscaler", shortNames: ["hpa"], isInAll: true, subresources: [.status]),
    ResourceKind(
      resource: Resource(group: "policy", version: "v1", plural: "poddisruptionbudgets"), kind: "PodDisruptionBudget",
      singular: "poddisruptionbudget", shortNames: ["pdb"], subresources: [.status]),

    // The network and coordination.
    ResourceKind(resource: .endpointSlices, kind: "EndpointSlice", singular: "endpointslice"),
    ResourceKind(resource: .leases, kind: "Lease", singular: "lease"),
    ResourceKind(
      resource: Resource(group: "networking.k8s.io", version: "v1", plural: "networkpolicies"), kind: "NetworkPolicy",
      singular: "networkpolicy", shortNames: ["netpol"]),

    // Access.
    ResourceKind(resource: rbac("roles"), kind: "Role", singular: "role"),
    ResourceKind(resource: rbac("rolebindings"), kind: "RoleBinding", singular: "rolebinding"),
    ResourceKind(resource: rbac("clusterroles"), kind: "ClusterRole", singular: "clusterrole", isNamespaced: false),
    ResourceKind(
      resource: rbac("clusterrolebindings"), kind: "ClusterRoleBinding", singular: "clusterrolebinding",
      isNamespaced: false),
  ]

  /// Group versions in the order in which discovery lists them.
  static let groupVersions: [(group: String, version: String)] = {
    var seen: Set<String> = []
    let found = all.compactMap { kind in
      seen.insert(kind.apiVersion).inserted ? (group: kind.group, version: kind.version) : nil
    }
    return found + virtualGroupVersions
  }()

  /// Groups that hold no objects, only questions (see `AccessReview`).
  private static let virtualGroupVersions = [
    (group: "authorization.k8s.io", version: "v1"), (group: "authentication.k8s.io", version: "v1"),
  ]

  private static let byResource = Dictionary(uniqueKeysWithValues: all.map { ($0.resource, $0) })

  static func kind(_ resource: Resource) -> ResourceKind? { byResource[resource] }

  static func kind(apiVersion: String, kind name: String) -> ResourceKind? {
    all.first { $0.apiVersion == apiVersion && $0.kind == name }
  }

  static func kinds(group: String, version: String) -> [ResourceKind] {
    all.filter { $0.group == group && $0.version == version }
  }

  private static func rbac(_ plural: String) -> Resource {
    Resource(group: "rbac.authorization.k8s.io", version: "v1", plural: plural)
  }

  private static let eventFields: Set<String> = [
    "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "type", "source", "reportingComponent",
  ]
}

extension ResourceKind {
  static let pod = known(.pods)
  static let service = known(.services)
  static let namespace = known(.namespaces)
  static let node = known(.nodes)
  static let deployment = known(.deployments)
  static let replicaSet = known(.replicaSets)
  static let endpointSlice = known(.endpointSlices)
  static let event = known(.events)

  private static func known(_ resource: Resource) -> ResourceKind {
    guard let kind = KindTable.kind(resource) else {
      preconditionFailure("\(resource.plural) is missing from the table of kinds")
    }
    return kind
  }
}
