import LabStore

/// A path below `/api/v1` or `/apis/GROUP/VERSION`, taken apart.
struct ResourcePath: Sendable, Equatable {
  var group: String
  var version: String
  /// The namespace in the path; nil for cluster-scoped objects and for lists over all namespaces.
  var namespace: String?
  var plural: String
  var name: String?
  var subresource: String?

  var resource: Resource { Resource(group: group, version: version, plural: plural) }

  /// nil for a path that names no resource.
  init?(segments: [String]) {
    var rest = segments[...]
    switch rest.popFirst() {
    case "api": group = ""
    case "apis":
      guard let name = rest.popFirst() else { return nil }
      group = name
    default: return nil
    }
    guard let version = rest.popFirst() else { return nil }
    self.version = version
    // `namespaces/NAME` is the namespace itself, and so are its subresources; anything else behind it lies inside.
    if rest.first == "namespaces", rest.count > 2, !["status", "finalize"].contains(rest[rest.startIndex + 2]) {
      namespace = rest[rest.startIndex + 1]
      rest = rest.dropFirst(2)
    }
    guard let plural = rest.popFirst() else { return nil }
    self.plural = plural
    name = rest.popFirst()
    subresource = rest.popFirst()
    guard rest.isEmpty else { return nil }
  }
}
