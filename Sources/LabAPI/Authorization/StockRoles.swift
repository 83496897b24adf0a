import KubeObjects

/// The ClusterRoles for people that every cluster has, as far as their resources exist here.
enum StockRoles {
  static let all: [JSONValue] = [
    role("cluster-admin", [rule(["*"], ["*"], ["*"])]),
    role("admin", editing + viewing + [rule(["rbac.authorization.k8s.io"], ["roles", "rolebindings"], write + read)]),
    role("edit", editing + viewing),
    role("view", viewing),
  ]

  private static let read = ["get", "list", "watch"]
  private static let write = ["create", "delete", "deletecollection", "patch", "update"]
  private static let core = ["configmaps", "persistentvolumeclaims", "pods", "serviceaccounts", "services"]
  private static let apps = [
    "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets",
    "statefulsets/scale",
  ]

  private static let editing = [
    rule([""], core + ["secrets"], write), rule([""], ["secrets"], read),
    rule([""], ["pods/portforward", "pods/exec"], read + write),
    rule([""], ["pods/eviction"], ["create"]), rule(["apps"], apps, write),
    rule(["autoscaling"], ["horizontalpodautoscalers"], write),
    rule(["networking.k8s.io"], ["networkpolicies"], write), rule(["policy"], ["poddisruptionbudgets"], write),
    rule(["coordination.k8s.io"], ["leases"], read + write),
  ]

  private static let viewing = [
    rule(
      [""], core + core.map { "\($0)/status" } + ["pods/log", "events", "limitranges", "resourcequotas", "namespaces"],
      read),
    rule(
      ["apps"], apps + ["daemonsets/status", "deployments/status", "replicasets/status", "statefulsets/status"], read),
    rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], read),
    rule(["discovery.k8s.io"], ["endpointslices"], read), rule(["networking.k8s.io"], ["networkpolicies"], read),
    rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], read),
  ]

  private static func role(_ name: String, _ rules: [JSONValue]) -> JSONValue {
    ["metadata": ["name": .string(name)], "rules": .array(rules)]
  }

  private static func rule(_ groups: [String], _ resources: [String], _ verbs: [String]) -> JSONValue {
    func list(_ words: [String]) -> JSONValue { .array(words.map { .string($0) }) }
    return ["apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)]
  }
}
