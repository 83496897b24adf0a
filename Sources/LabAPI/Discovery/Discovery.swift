import KubeObjects

/// The list of the API's kinds, as `/api` and `/apis` give it (the classic form: a request for aggregated discovery
/// gets it too, and clients fall back).
enum Discovery {
  static let version: JSONValue = [
    "major": "1", "minor": "36", "gitVersion": "v1.36.0+lab", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none", "compiler": "swift", "platform": "linux/amd64",
  ]

  static let paths: JSONValue = [
    "paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
  ]

  /// The answer where the path is one of discovery's, nil for a path of objects.
  static func respond(to request: APIRequest) throws -> APIResponse? {
    let segments = request.segments
    switch (segments.first, segments.count) {
    case ("api", 1): return .json(["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []])
    case ("api", 2): return try resources(group: "", version: segments[1])
    case ("apis", 1):
      return .json(["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groupNames.map(group))])
    case ("apis", 2):
      guard groupNames.contains(segments[1]) else { throw StatusError.noSuchPath }
      var object = group(segments[1])
      object["kind"] = "APIGroup"
      object["apiVersion"] = "v1"
      return .json(object)
    case ("apis", 3): return try resources(group: segments[1], version: segments[2])
    default: return nil
    }
  }

  private static let groupNames: [String] = KindTable.groupVersions.map(\.group).filter { !$0.isEmpty }

  private static func group(_ name: String) -> JSONValue {
    let versions: [JSONValue] = KindTable.groupVersions.filter { $0.group == name }.map {
      ["groupVersion": .string("\($0.group)/\($0.version)"), "version": .string($0.version)]
    }
    return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions.first ?? [:]]
  }

  private static func resources(group: String, version: String) throws -> APIResponse {
    guard KindTable.groupVersions.contains(where: { $0.group == group && $0.version == version }) else {
      throw StatusError.noSuchPath
    }
    let kinds = KindTable.kinds(group: group, version: version)
    let list = kinds.flatMap { [resource($0)] + subresources($0) } + AccessReview.resources(group: group)
    return .json([
      "kind": "APIResourceList", "apiVersion": "v1",
      "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"),
      "resources": .array(list),
    ])
  }

  private static func resource(_ kind: ResourceKind) -> JSONValue {
    var object: JSONValue = [
      "name": .string(kind.plural), "singularName": .string(kind.singular), "namespaced": JSONValue(kind.isNamespaced),
      "kind": .string(kind.kind),
      "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    ]
    if !kind.shortNames.isEmpty { object["shortNames"] = .array(kind.shortNames.map { .string($0) }) }
    if kind.isInAll { object["categories"] = ["all"] }
    return object
  }

  private static func subresources(_ kind: ResourceKind) -> [JSONValue] {
    kind.subresources.sorted { $0.rawValue < $1.rawValue }.map { subresource in
      var object: JSONValue = [
        "name": .string("\(kind.plural)/\(subresource.rawValue)"), "singularName": "",
        "namespaced": JSONValue(kind.isNamespaced),
        "kind": .string(kind.kind),
      ]
      switch subresource {
      case .status: object["verbs"] = ["get", "patch", "update"]
      case .finalize: object["verbs"] = ["update"]
      case .log: object["verbs"] = ["get"]
      case .portforward:
        object["verbs"] = ["create", "get"]
        object["kind"] = "PodPortForwardOptions"
      case .exec:
        object["verbs"] = ["create", "get"]
        object["kind"] = "PodExecOptions"
      case .scale:
        object["verbs"] = ["get", "patch", "update"]
        object["kind"] = "Scale"
        object["group"] = "autoscaling"
        object["version"] = "v1"
      case .eviction:
        object["verbs"] = ["create"]
        object["kind"] = "Eviction"
        object["group"] = "policy"
        object["version"] = "v1"
      case .token: object["verbs"] = []
      }
      return object
    }
  }
}
