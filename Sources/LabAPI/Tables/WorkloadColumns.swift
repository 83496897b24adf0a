import KubeObjects

/// The columns of Deployments and ReplicaSets.
enum WorkloadColumns {
  static let deployment: [Table.Column] = [
    Table.name,
    Table.Column("Ready") { .string("\(status($0, "readyReplicas"))/\(desired($0))") },
    Table.Column("Up-to-date") { JSONValue(status($0, "updatedReplicas")) },
    Table.Column("Available") { JSONValue(status($0, "availableReplicas")) },
    Table.age, containers, images, selector,
  ]

  static let replicaSet: [Table.Column] = [
    Table.name,
    Table.Column("Desired", type: "integer") { JSONValue(desired($0)) },
    Table.Column("Current", type: "integer") { JSONValue(status($0, "replicas")) },
    Table.Column("Ready", type: "integer") { JSONValue(status($0, "readyReplicas")) },
    Table.age, containers, images, selector,
  ]

  private static let containers = Table.Column("Containers", wide: true) { .string(joined($0, "name")) }
  private static let images = Table.Column("Images", wide: true) { .string(joined($0, "image")) }
  private static let selector = Table.Column("Selector", wide: true) {
    .string(LabelSelector(object: $0[path: "spec", "selector"]).text)
  }

  private static func desired(_ object: JSONValue) -> Int { object[path: "spec", "replicas"]?.countValue ?? 1 }
  private static func status(_ object: JSONValue, _ field: String) -> Int {
    object[path: "status", field]?.countValue ?? 0
  }

  private static func joined(_ object: JSONValue, _ field: String) -> String {
    (object[path: "spec", "template", "spec", "containers"]?.elements ?? []).compactMap { $0[field]?.stringValue }
      .joined(separator: ",")
  }
}
