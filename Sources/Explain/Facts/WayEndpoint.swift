import KubeObjects

/// One endpoint of a Service's EndpointSlices (discovery.k8s.io/v1), seen from one port.
struct WayEndpoint: Hashable {
  var address: String
  /// Nil if it is no Pod.
  var pod: String?
  var isReady: Bool
  /// True if its slice has the port.
  var hasPort: Bool
  /// The keeper of its slice, if that is not Kubernetes' own controller.
  var keeper: String?

  var label: String { pod ?? address }

  private static let managedBy = "endpointslice.kubernetes.io/managed-by"
  private static let controller = "endpointslice-controller.k8s.io"

  static func all(_ slices: [JSONValue], port: WayPort?) -> [WayEndpoint] {
    slices.flatMap { slice in
      let ports = slice["ports"]?.elements ?? []
      let hasPort = port.map { port in
        ports.contains { ($0.entryName ?? "") == (port.name ?? "") && $0["port"]?.intValue != nil }
      }
      let keeper = slice.labels[managedBy].flatMap { $0 == controller ? nil : $0 }
      return (slice["endpoints"]?.elements ?? []).map { endpoint in
        let conditions = endpoint["conditions"]
        let isPod = endpoint[path: "targetRef", "kind"]?.stringValue == "Pod"
        return WayEndpoint(
          address: endpoint["addresses"]?[0]?.stringValue ?? "",
          pod: isPod ? endpoint[path: "targetRef", "name"]?.stringValue : nil,
          isReady: conditions?["ready"]?.boolValue != false && conditions?["terminating"]?.boolValue != true,
          hasPort: hasPort ?? true, keeper: keeper ?? (isPod ? nil : slice.name))
      }
    }
  }
}
