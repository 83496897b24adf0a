import KubeObjects
import LabStore

/// Objects as the rows that kubectl prints (`meta.k8s.io/v1` `Table`).
struct Table: Sendable {
  struct Column: Sendable {
    var name: String
    var type: String
    /// 0: always shown, 1: with `-o wide`.
    var priority: Int
    var cell: @Sendable (JSONValue) -> JSONValue

    init(
      _ name: String, type: String = "string", wide: Bool = false, _ cell: @escaping @Sendable (JSONValue) -> JSONValue
    ) {
      self.name = name
      self.type = type
      priority = wide ? 1 : 0
      self.cell = cell
    }
  }

  /// - Parameter includes: what each row carries of its object: `None`, `Metadata` or `Object`.
  static func object(_ kind: ResourceKind, _ items: [JSONValue], includes: String, metadata: JSONValue) -> JSONValue {
    let columns = columns(for: kind)
    let rows: [JSONValue] = items.map { item in
      var row: JSONValue = ["cells": .array(columns.map { $0.cell(item) })]
      switch includes {
      case "None": break
      case "Object": row["object"] = item
      default:
        row["object"] = [
          "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"] ?? [:],
        ]
      }
      return row
    }
    let definitions: [JSONValue] = columns.map { column in
      [
        "name": .string(column.name), "type": .string(column.type),
        "format": .string(column.name == "Name" ? "name" : ""),
        "description": "", "priority": JSONValue(column.priority),
      ]
    }
    return [
      "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": .array(definitions),
      "rows": .array(rows),
    ]
  }

  private static func columns(for kind: ResourceKind) -> [Column] {
    switch kind.resource {
    case .pods: PodColumns.all
    case .deployments: WorkloadColumns.deployment
    case .replicaSets: WorkloadColumns.replicaSet
    case .services: NetworkColumns.service
    case .endpointSlices: NetworkColumns.endpointSlice
    case .namespaces: [name, Column("Status") { $0[path: "status", "phase"] ?? "" }, age]
    case .nodes: nodeColumns
    case .configMaps: [name, Column("Data", type: "integer", dataCount), age]
    case .secrets: [name, Column("Type") { $0["type"] ?? "" }, Column("Data", type: "integer", dataCount), age]
    case .leases: [name, Column("Holder") { $0[path: "spec", "holderIdentity"] ?? "" }, age]
    case .events: eventColumns
    default: [name, age]
    }
  }

  static let name = Column("Name") { .string($0.name) }
  static let age = Column("Age") { .string(HumanDuration.since($0.creationTimestamp)) }

  private static let nodeColumns = [
    name,
    Column("Status") { node in
      let isReady = node.isConditionTrue("Ready") ? "Ready" : "NotReady"
      return .string(node[path: "spec", "unschedulable"] == true ? "\(isReady),SchedulingDisabled" : isReady)
    },
    Column("Roles") { node in
      let prefix = "node-role.kubernetes.io/"
      let roles = node.labels.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
      return .string(roles.isEmpty ? "<none>" : roles.joined(separator: ","))
    },
    age,
    Column("Version") { $0[path: "status", "nodeInfo", "kubeletVersion"] ?? "" },
    Column("Internal-IP", wide: true) { node in
      node[path: "status", "addresses"]?.elements.first { $0["type"] == "InternalIP" }?["address"] ?? "<none>"
    },
  ]

  private static let eventColumns = [
    Column("Last Seen") { .string(HumanDuration.since($0["lastTimestamp"]?.stringValue ?? $0.creationTimestamp)) },
    Column("Type") { $0["type"] ?? "" }, Column("Reason") { $0["reason"] ?? "" },
    Column("Object") { event in
      let object = event["involvedObject"]
      return .string("\((object?["kind"]?.stringValue ?? "").lowercased())/\(object?["name"]?.stringValue ?? "")")
    },
    Column("Message") { $0["message"] ?? "" },
  ]

  @Sendable private static func dataCount(_ object: JSONValue) -> JSONValue {
    JSONValue((object["data"]?.objectValue?.count ?? 0) + (object["binaryData"]?.objectValue?.count ?? 0))
  }
}

/// Ages as kubectl shows them: two units at most.
enum HumanDuration {
  static func since(_ timestamp: String) -> String {
    guard let age = Timestamp.age(of: timestamp) else { return "<unknown>" }
    return text(seconds: max(0, Int(saturating: age)))
  }

  static func text(seconds: Int) -> String {
    let minutes = seconds / 60
    let hours = minutes / 60
    let days = hours / 24
    return switch seconds {
    case ..<120: "\(seconds)s"
    case ..<600: seconds % 60 == 0 ? "\(minutes)m" : "\(minutes)m\(seconds % 60)s"
    case ..<10800: "\(minutes)m"
    case ..<28800: minutes % 60 == 0 ? "\(hours)h" : "\(hours)h\(minutes % 60)m"
    case ..<172800: "\(hours)h"
    case ..<691200: hours % 24 == 0 ? "\(days)d" : "\(days)d\(hours % 24)h"
    default: "\(days)d"
    }
  }
}
