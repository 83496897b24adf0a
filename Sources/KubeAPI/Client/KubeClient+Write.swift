import KubeObjects

/// A way to change an object (kubernetes.io, "Update API Objects in Place Using kubectl patch"; for
/// `apply` "Server-Side Apply").
public enum PatchType: String, Sendable {
  /// RFC 6902.
  case json = "application/json-patch+json"
  /// RFC 7386.
  case merge = "application/merge-patch+json"
  /// Kubernetes' own: lists merge by key.
  case strategic = "application/strategic-merge-patch+json"
  /// Server-side apply. JSON is YAML too.
  case apply = "application/apply-patch+yaml"
}

/// The fate of the objects that an object owns.
public enum PropagationPolicy: String, Sendable {
  case background = "Background"
  case foreground = "Foreground"
  case orphan = "Orphan"
}

extension KubeClient {
  /// - Parameters:
  ///   - namespace: nil for the object's own, else the client's.
  ///   - dryRun: the server checks and answers, and keeps nothing.
  /// - Returns: the object as the server keeps it.
  @discardableResult
  public func create(
    _ object: JSONValue, as resource: APIResource, namespace: String? = nil, dryRun: Bool = false
  ) async throws(KubeError) -> JSONValue {
    let path = path(resource, namespace ?? object.namespace, nil)
    return try await json(HTTPRequest("POST", path, query: writing(dryRun), body: object.serialized()))
  }

  /// Replaces an object. With `metadata.resourceVersion` the server refuses (409) to undo someone else's change.
  @discardableResult
  public func update(
    _ object: JSONValue, as resource: APIResource, namespace: String? = nil, subresource: String? = nil,
    dryRun: Bool = false
  ) async throws(KubeError) -> JSONValue {
    guard let name = object.name else {
      throw .status(code: 422, reason: "Invalid", message: "an object without a name cannot be updated", details: nil)
    }
    let path = path(resource, namespace ?? object.namespace, name, subresource)
    return try await json(HTTPRequest("PUT", path, query: writing(dryRun), body: object.serialized()))
  }

  /// - Parameter force: with `apply`: take over fields that another manager owns.
  @discardableResult
  public func patch(
    _ resource: APIResource, _ name: String, namespace: String? = nil, subresource: String? = nil, type: PatchType,
    _ patch: JSONValue,
    force: Bool = false, dryRun: Bool = false
  ) async throws(KubeError) -> JSONValue {
    var query = writing(dryRun)
    if type == .apply, force { query.append(("force", "true")) }
    let request = HTTPRequest(
      "PATCH", path(resource, namespace, name, subresource), query: query, headers: [("Content-Type", type.rawValue)],
      body: patch.serialized())
    // A JSON patch may append to a list: a repetition would append twice.
    return try await json(request, isIdempotent: type != .json)
  }

  @discardableResult
  public func patch(
    _ resource: APIResource, _ name: String, namespace: String? = nil, subresource: String? = nil, _ patch: JSONPatch,
    dryRun: Bool = false
  ) async throws(KubeError) -> JSONValue {
    try await self.patch(
      resource, name, namespace: namespace, subresource: subresource, type: .json, patch.json, dryRun: dryRun)
  }

  /// Changes an object by a merge patch (RFC 7386), unless someone has changed it since it was read.
  /// - Parameter object: the object as it was read.
  /// - Throws: 409 if it has changed, `KubeError.badResponse` if it was read without its version.
  @discardableResult
  public func patch(_ resource: APIResource, asRead object: JSONValue, namespace: String, _ changes: JSONValue)
    async throws(KubeError) -> JSONValue
  {
    guard let name = object.name, let version = object.resourceVersion else {
      throw .badResponse(
        server: access.server.description, problem: "\(resource.kind) \(object.place) has no name, or no version")
    }
    var patch = changes
    patch[path: "metadata", "resourceVersion"] = JSONValue(version)
    return try await self.patch(resource, name, namespace: namespace, type: .merge, patch)
  }

  /// - Parameters:
  ///   - gracePeriod: seconds, nil for the object's own.
  ///   - uid: refuse (409) if the name belongs to another object by now.
  ///   - resourceVersion: refuse (409) if the object has changed.
  /// - Returns: the object that is being deleted, or a `Status`.
  @discardableResult
  public func delete(
    _ resource: APIResource, _ name: String, namespace: String? = nil, propagation: PropagationPolicy? = nil,
    gracePeriod: Int? = nil,
    uid: String? = nil, resourceVersion: String? = nil, dryRun: Bool = false
  ) async throws(KubeError) -> JSONValue {
    var options: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
    if let propagation { options["propagationPolicy"] = JSONValue(propagation.rawValue) }
    if let gracePeriod { options["gracePeriodSeconds"] = JSONValue(gracePeriod) }
    if let uid { options[path: "preconditions", "uid"] = JSONValue(uid) }
    if let resourceVersion { options[path: "preconditions", "resourceVersion"] = JSONValue(resourceVersion) }
    if dryRun { options["dryRun"] = ["All"] }
    return try await json(HTTPRequest("DELETE", path(resource, namespace, name), body: options.serialized()))
  }

  private func writing(_ dryRun: Bool) -> [(String, String)] {
    [("fieldManager", fieldManager)] + (dryRun ? [("dryRun", "All")] : [])
  }
}
