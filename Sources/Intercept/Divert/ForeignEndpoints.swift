import KubeObjects

/// EndpointSlices of a Service that are not made of the Pods that its selector selects: somebody else keeps them, and
/// an intercept does not change them.
struct ForeignEndpoints: Sendable {
  /// `EndpointSlice mesh-1 of mesh.example`, sorted; only those that have endpoints.
  let names: [String]

  private static let keeper = "endpointslice.kubernetes.io/managed-by"
  private static let controller = "endpointslice-controller.k8s.io"

  init(_ slices: [JSONValue]) {
    names = slices.filter { Self.isForeign($0) && !$0.endpoints.isEmpty }.compactMap { slice in
      slice.name.map { name in "EndpointSlice \(name)" + (slice.labels[Self.keeper].map { " of \($0)" } ?? "") }
    }.sorted()
  }

  /// Checks whether somebody else keeps a slice. Kubernetes' own controller names itself in each of its slices, whose
  /// endpoints are Pods (discovery.k8s.io/v1).
  static func isForeign(_ slice: JSONValue) -> Bool {
    if let name = slice.labels[keeper] { return name != controller }
    return !slice.endpoints.contains { $0.targetKind == "Pod" }
  }

  /// The names, at most three of them; nil without any.
  var list: String? {
    guard !names.isEmpty else { return nil }
    return names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
  }
}
