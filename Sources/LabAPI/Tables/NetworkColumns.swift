import KubeObjects

/// The columns of Services and EndpointSlices.
enum NetworkColumns {
  static let service: [Table.Column] = [
    Table.name,
    Table.Column("Type") { $0[path: "spec", "type"] ?? "" },
    Table.Column("Cluster-IP") { $0[path: "spec", "clusterIP"] ?? "<none>" },
    Table.Column("External-IP") { service in
      if service[path: "spec", "type"] == "LoadBalancer" { return "<pending>" }
      return service[path: "spec", "externalName"] ?? "<none>"
    },
    Table.Column("Port(s)") { service in
      let ports = (service[path: "spec", "ports"]?.elements ?? []).map { port in
        let node = port["nodePort"]?.intValue.map { ":\($0)" } ?? ""
        return "\(port["port"]?.intValue ?? 0)\(node)/\(port["protocol"]?.stringValue ?? "TCP")"
      }
      return .string(ports.isEmpty ? "<none>" : ports.joined(separator: ","))
    },
    Table.age,
    Table.Column("Selector", wide: true) { service in
      let selector = LabelSelector(labels: service[path: "spec", "selector"]?.stringMap ?? [:])
      return .string(selector.isEmpty ? "<none>" : selector.text)
    },
  ]

  static let endpointSlice: [Table.Column] = [
    Table.name,
    Table.Column("AddressType") { $0["addressType"] ?? "" },
    Table.Column("Ports") { slice in
      .string(list((slice["ports"]?.elements ?? []).map { $0["port"]?.intValue.map(String.init) ?? "*" }))
    },
    Table.Column("Endpoints") { slice in
      .string(
        list(
          (slice["endpoints"]?.elements ?? []).flatMap { ($0["addresses"]?.elements ?? []).compactMap(\.stringValue) }))
    },
    Table.age,
  ]

  private static func list(_ items: [String]) -> String {
    guard !items.isEmpty else { return "<unset>" }
    let shown = items.prefix(3).joined(separator: ",")
    return items.count > 3 ? "\(shown) + \(items.count - 3) more..." : shown
  }
}
