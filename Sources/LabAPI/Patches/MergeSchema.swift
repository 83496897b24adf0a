import KubeObjects

/// How the lists of a kind merge in a strategic merge patch (the `patchStrategy` and `patchMergeKey` tags of Kubernetes' API types).
///
/// Maps merge always; a list that is not named here is replaced as a whole.
struct MergeSchema: Sendable {
  /// Lists of objects merge by this member.
  var mergeKey: String?
  /// Lists of plain values merge as sets.
  var mergesValues = false
  /// The schemas of members, or of the members of each element.
  private var members: [String: MergeSchema] = [:]

  static let plain = MergeSchema()

  func member(_ name: String) -> MergeSchema { members[name] ?? .plain }

  private static func map(_ members: [String: MergeSchema]) -> MergeSchema { MergeSchema(members: members) }
  private static func list(by key: String, _ members: [String: MergeSchema] = [:]) -> MergeSchema {
    MergeSchema(mergeKey: key, members: members)
  }
  private static let values = MergeSchema(mergesValues: true)

  static func schema(for kind: ResourceKind) -> MergeSchema { byKind[kind.kind] ?? map(["metadata": metadata]) }

  private static let byKind: [String: MergeSchema] = [
    "Pod": map(["metadata": metadata, "spec": podSpec, "status": podStatus]),
    "Service": map(["metadata": metadata, "spec": map(["ports": list(by: "port")]), "status": conditions]),
    "Deployment": workload,
    "ReplicaSet": workload,
    "StatefulSet": workload,
    "DaemonSet": workload,
    "ServiceAccount": map(["metadata": metadata, "secrets": list(by: "name"), "imagePullSecrets": list(by: "name")]),
    "Namespace": map(["metadata": metadata, "status": conditions]),
    "PersistentVolumeClaim": map(["metadata": metadata, "status": conditions]),
    "PodDisruptionBudget": map(["metadata": metadata, "status": conditions]),
    "Node": map([
      "metadata": metadata, "spec": map(["podCIDRs": values]),
      "status": map(["conditions": list(by: "type"), "addresses": list(by: "type")]),
    ]),
  ]

  private static let metadata = map(["finalizers": values, "ownerReferences": list(by: "uid")])
  private static let conditions = map(["conditions": list(by: "type")])
  private static let workload = map([
    "metadata": metadata, "spec": map(["template": map(["metadata": metadata, "spec": podSpec])]), "status": conditions,
  ])
  private static let container = [
    "ports": list(by: "containerPort"), "env": list(by: "name"), "volumeMounts": list(by: "mountPath"), "volumeDevices": list(by: "devicePath"),
  ]
  private static let podSpec = map([
    "volumes": list(by: "name"), "containers": list(by: "name", container), "initContainers": list(by: "name", container),
    "ephemeralContainers": list(by: "name", container), "imagePullSecrets": list(by: "name"), "hostAliases": list(by: "ip"),
    "topologySpreadConstraints": list(by: "topologyKey"), "resourceClaims": list(by: "name"), "schedulingGates": list(by: "name"),
  ])
  private static let podStatus = map(["conditions": list(by: "type"), "podIPs": list(by: "ip"), "hostIPs": list(by: "ip")])
}
