import KubeObjects
import LabStore

extension APIServer {
  /// The `scale` subresource: how many replicas, and nothing else, as `autoscaling/v1` `Scale`.
  func scale(_ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind) async throws -> APIResponse {
    switch request.method {
    case .GET: return .json(Self.scale(of: try await stored(kind) { try await store.get(key) }))
    case .PUT:
      let body = try request.jsonBody()
      return try await setScale(request, key, kind) { _ in body }
    case .PATCH:
      let patch = try ObjectPatch(request, kind)
      return try await setScale(request, key, kind) { scale in
        do { return try patch.applied(to: scale) } catch let error as PatchError { throw error.status(kind, key.name) }
      }
    default: throw StatusError.methodNotAllowed("the server does not allow this method on the requested resource")
    }
  }

  private func setScale(
    _ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind,
    _ compute: @escaping @Sendable (JSONValue) throws -> JSONValue
  ) async throws -> APIResponse {
    let manager = request.fieldManager
    let change: @Sendable (inout JSONValue) throws -> Void = { object in
      let current = object
      let wanted = try compute(Self.scale(of: current))
      let version = wanted.resourceVersion
      guard version.isEmpty || version == current.resourceVersion else { throw StoreError.conflict(key) }
      let replicas = wanted[path: "spec", "replicas"]?.intValue ?? 0
      let causes = NumberRules.check(wanted["spec"], ["replicas"], at: "spec")
      guard causes.isEmpty else { throw StatusError.invalid(kind, key.name, causes) }
      object[path: "spec", "replicas"] = JSONValue(replicas)
      ManagedFields.record(from: current, to: &object, by: manager, subresource: "scale", kind)
    }
    if try request.isDryRun() {
      var object = try await stored(kind) { try await store.get(key) }
      try change(&object)
      return .json(Self.scale(of: object))
    }
    return .json(Self.scale(of: try await stored(kind) { try await store.update(key, change) }))
  }

  private static func scale(of object: JSONValue) -> JSONValue {
    var metadata: JSONValue = [:]
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
      metadata[field] = object[path: "metadata", field]
    }
    return [
      "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
      "spec": ["replicas": object[path: "spec", "replicas"] ?? 1],
      "status": [
        "replicas": object[path: "status", "replicas"] ?? 0,
        "selector": .string(LabelSelector(object: object[path: "spec", "selector"]).text),
      ],
    ]
  }
}
