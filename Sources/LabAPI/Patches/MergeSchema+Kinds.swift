import KubeObjects

extension MergeSchema {
  static func schema(for kind: ResourceKind) -> MergeSchema { byKind[kind.kind] ?? map(["metadata": metadata]) }

  private static let byKind: [String: MergeSchema] = [
    "Pod": map(["metadata": metadata, "spec": podSpec, "status": podStatus]),
    "Service": map([
      "metadata": metadata, "spec": map(["ports": list(by: .init(name: "port"), protocolKey), "selector": atomic]),
      "status": conditions,
    ]),
    "Deployment": workload,
    "ReplicaSet": workload,
    "StatefulSet": workload,
    "DaemonSet": workload,
    "HorizontalPodAutoscaler": map(["metadata": metadata, "status": conditions]),
    "ServiceAccount": map([
      "metadata": metadata, "secrets": references(by: "name"), "imagePullSecrets": references(by: "name"),
    ]),
    "Namespace": map(["metadata": metadata, "status": conditions]),
    "PersistentVolumeClaim": map([
      "metadata": metadata, "spec": map(["selector": atomic, "dataSource": atomic]), "status": conditions,
    ]),
    "PodDisruptionBudget": map(["metadata": metadata, "spec": map(["selector": atomic]), "status": conditions]),
    "NetworkPolicy": map(["metadata": metadata, "spec": map(["podSelector": atomic])]),
    "RoleBinding": map(["metadata": metadata, "roleRef": atomic]),
    "ClusterRoleBinding": map(["metadata": metadata, "roleRef": atomic]),
    "Event": map(["metadata": metadata, "involvedObject": atomic, "related": atomic]),
    "Node": map([
      "metadata": metadata, "spec": map(["podCIDRs": values]),
      "status": map(["conditions": list(by: "type"), "addresses": list(by: "type")]),
    ]),
  ]

  private static let metadata = map(["finalizers": values, "ownerReferences": references(by: "uid")])
  private static let conditions = map(["conditions": list(by: "type")])
  private static let workload = map([
    "metadata": metadata, "spec": map(["selector": atomic, "template": map(["metadata": metadata, "spec": podSpec])]),
    "status": conditions,
  ])
  private static let protocolKey = ApplyKey(name: "protocol", fallback: "TCP")
  private static let variableSource = map([
    "fieldRef": atomic, "resourceFieldRef": atomic, "configMapKeyRef": atomic, "secretKeyRef": atomic,
  ])
  private static let container = [
    "ports": list(by: .init(name: "containerPort"), protocolKey),
    "env": list(by: "name", ["valueFrom": variableSource]),
    "volumeMounts": list(by: "mountPath"), "volumeDevices": list(by: "devicePath"),
    "resources": map(["claims": list(by: "name")]),
  ]
  private static let podSpec = map([
    "volumes": list(by: "name"), "containers": list(by: "name", container),
    "initContainers": list(by: "name", container),
    "ephemeralContainers": list(by: "name", container), "imagePullSecrets": references(by: "name"),
    "hostAliases": list(by: "ip"),
    "topologySpreadConstraints": list(
      by: .init(name: "topologyKey"), .init(name: "whenUnsatisfiable"), members: ["labelSelector": atomic]),
    "resourceClaims": list(by: "name"), "schedulingGates": list(by: "name"), "nodeSelector": atomic,
    "affinity": map(["nodeAffinity": map(["requiredDuringSchedulingIgnoredDuringExecution": atomic])]),
  ])
  private static let podStatus = map([
    "conditions": list(by: "type"), "podIPs": list(by: "ip"), "hostIPs": list(by: "ip"),
  ])
}
