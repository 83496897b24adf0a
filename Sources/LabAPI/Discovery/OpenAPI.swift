import KubeObjects

/// OpenAPI documents with just what kubectl looks up before it applies: which kinds there are, and that writes take
/// `fieldValidation`.
///
/// The schemas of the kinds are open, so nothing that a client sends is unknown to them.
enum OpenAPI {
  static func respond(to request: APIRequest) throws -> APIResponse {
    let segments = request.segments
    guard segments.count > 1 else { throw StatusError.noSuchPath }
    if segments[1] == "v2", segments.count == 2 { return .json(version2) }
    guard segments[1] == "v3" else { throw StatusError.noSuchPath }
    if segments.count == 2 { return .json(index) }
    let group = segments[2] == "apis" && segments.count == 5 ? segments[3] : ""
    guard let version = segments.last,
      KindTable.groupVersions.contains(where: { $0.group == group && $0.version == version })
    else {
      throw StatusError.noSuchPath
    }
    return .json(version3(KindTable.kinds(group: group, version: version), group: group, version: version))
  }

  private static let info: JSONValue = ["title": "Kubernetes", "version": "v1.36.0+lab"]

  private static let index: JSONValue = {
    var paths: [String: JSONValue] = [:]
    for (group, version) in KindTable.groupVersions {
      let path = group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
      paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)")]
    }
    return ["paths": .object(paths)]
  }()

  // MARK: Version 3

  private static func version3(_ kinds: [ResourceKind], group: String, version: String) -> JSONValue {
    var paths: [String: JSONValue] = [:]
    var schemas: [String: JSONValue] = [:]
    for kind in kinds {
      let parameters: JSONValue = .array(
        ["dryRun", "fieldManager", "fieldValidation"].map {
          ["name": .string($0), "in": "query", "schema": ["type": "string", "uniqueItems": true]]
        })
      let response: JSONValue = [
        "description": "OK",
        "content": ["application/json": ["schema": ["$ref": .string("#/components/schemas/\(schemaName(kind))")]]],
      ]
      func operation(_ action: String) -> JSONValue {
        [
          "operationId": .string("\(action)\(kind.kind)"), "parameters": parameters, "responses": ["200": response],
          "x-kubernetes-action": .string(action), "x-kubernetes-group-version-kind": groupVersionKind(kind),
        ]
      }
      let collection = path(of: kind)
      paths[collection] = ["post": operation("post")]
      paths[collection + "/{name}"] = ["get": operation("get"), "put": operation("put"), "patch": operation("patch")]
      schemas[schemaName(kind)] = schema(kind)
    }
    return ["openapi": "3.0.0", "info": info, "paths": .object(paths), "components": ["schemas": .object(schemas)]]
  }

  // MARK: Version 2

  private static let version2: JSONValue = {
    var definitions: [String: JSONValue] = [:]
    var paths: [String: JSONValue] = [:]
    let parameters: JSONValue = .array(
      ["dryRun", "fieldManager", "fieldValidation"].map {
        ["name": .string($0), "in": "query", "type": "string", "uniqueItems": true]
      })
    for kind in KindTable.all {
      definitions[schemaName(kind)] = schema(kind)
      let operation: JSONValue = [
        "parameters": parameters, "responses": ["200": ["description": "OK"]],
        "x-kubernetes-group-version-kind": groupVersionKind(kind),
      ]
      paths[path(of: kind) + "/{name}"] = ["patch": operation, "put": operation]
    }
    return ["swagger": "2.0", "info": info, "paths": .object(paths), "definitions": .object(definitions)]
  }()

  // MARK: Shared

  private static func path(of kind: ResourceKind) -> String {
    let root = kind.group.isEmpty ? "/api/\(kind.version)" : "/apis/\(kind.group)/\(kind.version)"
    return root + (kind.isNamespaced ? "/namespaces/{namespace}/\(kind.plural)" : "/\(kind.plural)")
  }

  /// Kubernetes' names of schemas: `io.k8s.api.apps.v1.Deployment`.
  private static func schemaName(_ kind: ResourceKind) -> String {
    let group = kind.group.isEmpty ? "core" : String(kind.group.prefix { $0 != "." })
    return "io.k8s.api.\(group).\(kind.version).\(kind.kind)"
  }

  private static func schema(_ kind: ResourceKind) -> JSONValue {
    [
      "type": "object", "x-kubernetes-preserve-unknown-fields": true,
      "x-kubernetes-group-version-kind": [groupVersionKind(kind)],
      "properties": ["apiVersion": ["type": "string"], "kind": ["type": "string"], "metadata": ["type": "object"]],
    ]
  }

  private static func groupVersionKind(_ kind: ResourceKind) -> JSONValue {
    ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
  }
}
