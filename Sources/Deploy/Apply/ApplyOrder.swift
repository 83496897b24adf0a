/// The order in which kinds are applied: those that others need come first.
enum ApplyPhase: Int, CaseIterable, Comparable {
  case namespaces, definitions, supports, workloads, admission

  static func of(apiVersion: String, kind: String) -> ApplyPhase {
    let group = apiVersion.split(separator: "/").dropLast().first.map(String.init) ?? ""
    switch (group, kind) {
    case ("", "Namespace"): return .namespaces
    case ("apiextensions.k8s.io", "CustomResourceDefinition"): return .definitions
    case ("", "Pod"), ("", "ReplicationController"), ("batch", "Job"), ("batch", "CronJob"), ("apps", _):
      return .workloads
    // The workloads include their servers.
    case ("admissionregistration.k8s.io", _), ("apiregistration.k8s.io", _): return .admission
    default: return .supports
    }
  }

  static func < (left: ApplyPhase, right: ApplyPhase) -> Bool { left.rawValue < right.rawValue }
}
