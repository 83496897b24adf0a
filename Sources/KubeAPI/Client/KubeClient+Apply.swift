import KubeObjects

/// The result of an applied object.
public struct AppliedState: Sendable {
  public var object: JSONValue
  /// True if it did not exist before.
  public var isNew: Bool
  /// The server's warnings (`Warning` headers, RFC 7234): deprecated versions, unknown fields.
  public var warnings: [String]

  public init(object: JSONValue, isNew: Bool, warnings: [String]) {
    self.object = object
    self.isNew = isNew
    self.warnings = warnings
  }
}

extension KubeClient {
  /// Applies a whole object by server-side apply (kubernetes.io, "Server-Side Apply"): it is made if missing; fields
  /// that this manager applied before and that it no longer has are removed.
  /// - Parameters:
  ///   - namespace: nil for the object's own, else the client's.
  ///   - force: take over fields that another manager owns.
  public func apply(
    _ object: JSONValue, as resource: APIResource, namespace: String? = nil, force: Bool = false, dryRun: Bool = false
  ) async throws(KubeError) -> AppliedState {
    guard let name = object.name else {
      throw .status(code: 422, reason: "Invalid", message: "an object without a name cannot be applied", details: nil)
    }
    var query = [("fieldManager", fieldManager)]
    if force { query.append(("force", "true")) }
    if dryRun { query.append(("dryRun", "All")) }
    let request = HTTPRequest(
      "PATCH", path(resource, namespace ?? object.namespace, name), query: query,
      headers: [("Accept", "application/json"), ("Content-Type", PatchType.apply.rawValue)], body: object.serialized())
    let response = try await send(request, isIdempotent: true)
    guard let object = try? JSONValue(parsing: response.body) else {
      throw .badResponse(
        server: access.server.description, problem: "the answer to \(request.method) \(request.path) is not JSON")
    }
    let warnings = response.head.headers.filter { $0.name == "warning" }.compactMap { Self.warning($0.value) }
    return AppliedState(object: object, isNew: response.status == 201, warnings: warnings)
  }

  /// Returns the text of `299 - "text"`.
  static func warning(_ header: String) -> String? {
    guard let start = header.firstIndex(of: "\""), let end = header.lastIndex(of: "\""), start < end else { return nil }
    return String(header[header.index(after: start)..<end]).replacing("\\\"", with: "\"")
  }
}
