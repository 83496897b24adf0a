import KubeObjects
import LabStore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension APIServer {
  func get(_ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind) async throws -> APIResponse {
    let object = try await stored(kind) { try await store.get(key) }
    return .json(Representation(request, kind).one(object))
  }

  /// `limit` and `continue` walk over the objects as they are at each page: the lab keeps no old state to page through.
  func list(_ request: APIRequest, _ namespace: String?, _ kind: ResourceKind) async throws -> APIResponse {
    let filter = try filter(request, namespace, kind)
    let (all, revision) = await store.list(kind.resource, namespace: namespace)
    var items = all.filter(filter.matches)
    var metadata: JSONValue = ["resourceVersion": .string(String(revision))]
    if let token = request.query["continue"], !token.isEmpty {
      let last = try ContinueToken(parsing: token)
      items = Array(items.drop { ContinueToken($0) <= last })
    }
    if let limit = request.query.number("limit"), limit > 0, items.count > limit {
      metadata["remainingItemCount"] = JSONValue(items.count - limit)
      items = Array(items.prefix(limit))
      metadata["continue"] = items.last.map { .string(ContinueToken($0).text) }
    }
    return .json(Representation(request, kind).list(items, metadata: metadata))
  }

  /// - Throws: `StatusError` (400) for selectors that cannot be read.
  func filter(_ request: APIRequest, _ namespace: String?, _ kind: ResourceKind) throws -> ObjectFilter {
    ObjectFilter(
      namespace: namespace, labels: try LabelSelector(parsing: request.query["labelSelector"] ?? ""),
      fields: try FieldSelector(parsing: request.query["fieldSelector"] ?? "", for: kind))
  }
}

/// The beginning of the next page: behind an object.
private struct ContinueToken: Comparable {
  var namespace: String
  var name: String

  init(_ object: JSONValue) {
    namespace = object.namespace
    name = object.name
  }

  init(parsing text: String) throws {
    guard let data = Data(base64Encoded: text),
      let parts = Optional(
        String(decoding: data, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)),
      parts.count == 2
    else { throw StatusError.badRequest("continue key is not valid: list again from the start") }
    namespace = String(parts[0])
    name = String(parts[1])
  }

  var text: String { Data("\(namespace)/\(name)".utf8).base64EncodedString() }

  static func < (left: ContinueToken, right: ContinueToken) -> Bool {
    (left.namespace, left.name) < (right.namespace, right.name)
  }
}
