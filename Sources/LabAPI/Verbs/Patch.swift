import KubeObjects
import LabStore

extension APIServer {
  func patch(
    _ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, _ subresource: ResourceKind.Subresource?
  ) async throws -> APIResponse {
    if request.contentType == Self.applyType { return try await apply(request, key, kind, subresource) }
    guard request.query["force"] == nil else {
      throw Self.badOption("force", .forbidden, "may not be specified for non-apply patch")
    }
    let patch = try ObjectPatch(request, kind)
    return try await change(request, key, kind, subresource) { current in
      do { return try patch.applied(to: current) } catch let error as PatchError { throw error.status(kind, key.name) }
    }
  }
}

/// A patch of one of the types that Kubernetes knows, ready to be applied.
struct ObjectPatch: Sendable {
  private enum Content: Sendable {
    case json(JSONPatch)
    case merge(JSONValue)
    case strategic(JSONValue, MergeSchema)
  }

  private let content: Content

  init(_ request: APIRequest, _ kind: ResourceKind) throws {
    switch request.contentType {
    case "application/json-patch+json":
      do { content = .json(try JSONPatch(request.parsedBody())) } catch let error as PatchError {
        throw error.status(kind, "")
      }
    case "application/merge-patch+json": content = .merge(try request.parsedBody())
    case "application/strategic-merge-patch+json":
      content = .strategic(try request.parsedBody(), MergeSchema.schema(for: kind))
    case let other:
      throw StatusError.unsupportedMediaType(
        "the body of the request was in an unknown format (\(other)) - accepted media types include: "
          + "application/json-patch+json, "
          + "application/merge-patch+json, application/strategic-merge-patch+json, \(APIServer.applyType)")
    }
  }

  func applied(to object: JSONValue) throws -> JSONValue {
    switch content {
    case .json(let patch): try patch.applied(to: object)
    case .merge(let patch): MergePatch.apply(patch, to: object)
    case .strategic(let patch, let schema): try StrategicMergePatch.apply(patch, to: object, schema)
    }
  }
}
