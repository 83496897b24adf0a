import KubeObjects
import LabStore

extension APIServer {
  func create(_ request: APIRequest, _ namespace: String?, _ kind: ResourceKind) async throws -> APIResponse {
    var object = try expect(request.jsonBody(), kind)
    if kind.isNamespaced {
      guard let place = namespace ?? object[path: "metadata", "namespace"]?.stringValue else {
        throw StatusError.badRequest("an empty namespace may not be set during creation")
      }
      let written = object[path: "metadata", "namespace"]?.stringValue ?? place
      guard written == place else {
        throw StatusError.badRequest(
          "the namespace of the provided object does not match the namespace sent on the request")
      }
      object[path: "metadata", "namespace"] = .string(place)
    } else {
      object[path: "metadata", "namespace"] = nil
    }
    let created = try await admit(object, kind, by: request)
    return .json(Representation(request, kind).one(created), code: 201)
  }

  /// Gives a new object its defaults, looks for mistakes and stores it.
  /// - Parameter managed: its managers, where it comes of an apply; nil: the writer owns all of it.
  func admit(
    _ candidate: JSONValue, _ kind: ResourceKind, by request: APIRequest, managed: ManagedFields? = nil
  ) async throws -> JSONValue {
    var object = candidate
    for field in ["managedFields", "resourceVersion", "uid", "generation", "selfLink"] {
      object[path: "metadata", field] = nil
    }
    if kind.hasStatus { object["status"] = nil }
    Defaults.apply(to: &object, kind)
    try Validation.check(object, kind)
    try await checkNamespace(of: object, kind)
    if let managed {
      managed.write(to: &object, since: ManagedFields(of: [:]))
    } else {
      ManagedFields.record(from: nil, to: &object, by: request.fieldManager, subresource: nil, kind)
    }
    if try request.isDryRun() { return Self.dryRun(object) }
    let reserved = try await reserveAddress(&object, kind)
    let admitted = object
    do {
      return try await stored(kind) { try await store.create(kind.resource, admitted) }
    } catch {
      if let reserved { await addresses.release(reserved) }
      throw error
    }
  }

  /// The body as an object of this kind.
  /// - Throws: `StatusError` (400) where it is of another kind.
  func expect(_ body: JSONValue, _ kind: ResourceKind) throws -> JSONValue {
    var object = body.withoutNulls
    guard object.objectValue != nil else { throw StatusError.badRequest("the body is not an object") }
    let apiVersion = object["apiVersion"]?.stringValue ?? kind.apiVersion
    let name = object["kind"]?.stringValue ?? kind.kind
    guard apiVersion == kind.apiVersion, name == kind.kind else {
      throw StatusError.badRequest(
        """
        \(name) in version "\(apiVersion)" cannot be handled as a \(kind.kind): expected \(kind.apiVersion), \
        Kind=\(kind.kind)
        """
      )
    }
    object["apiVersion"] = .string(kind.apiVersion)
    object["kind"] = .string(kind.kind)
    return object
  }

  private func checkNamespace(of object: JSONValue, _ kind: ResourceKind) async throws {
    guard kind.isNamespaced else { return }
    let key = ObjectKey(.namespaces, namespace: "", name: object.namespace)
    let namespace = try await stored(.namespace) { try await store.get(key) }
    guard !namespace.isTerminating else {
      let why = "unable to create new content in namespace \(object.namespace) because it is being terminated"
      let cause = FieldCause(
        .namespaceTerminating, "metadata.namespace", "namespace \(object.namespace) is being terminated")
      throw StatusError.forbidden(kind, object.name, why, causes: [cause])
    }
  }

  /// Gives a Service its address.
  /// - Returns: the address that was taken, to be released if the Service is not stored.
  private func reserveAddress(_ object: inout JSONValue, _ kind: ResourceKind) async throws -> String? {
    guard kind.resource == .services, object[path: "spec", "type"] != "ExternalName" else { return nil }
    let asked = object[path: "spec", "clusterIP"]?.stringValue ?? ""
    guard asked != "None" else {
      object[path: "spec", "clusterIPs"] = ["None"]
      return nil
    }
    if asked.isEmpty {
      object[path: "spec", "clusterIP"] = .string(try await addresses.allocate())
    } else if await !addresses.take(asked) {
      let why = "failed to allocate IP \(asked): provided IP is already allocated or not in the valid range"
      throw StatusError.invalid(
        kind, object.name, [FieldCause(.invalid, "spec.clusterIPs", "Invalid value: [\"\(asked)\"]: \(why)")])
    }
    object[path: "spec", "clusterIPs"] = [object[path: "spec", "clusterIP"] ?? ""]
    return object[path: "spec", "clusterIP"]?.stringValue
  }

  /// Returns the object that a creation would have stored.
  private static func dryRun(_ object: JSONValue) -> JSONValue {
    var object = object
    if let prefix = object[path: "metadata", "generateName"]?.stringValue, object.name.isEmpty {
      object[path: "metadata", "name"] = .string(prefix + "xxxxx")
    }
    object[path: "metadata", "uid"] = "00000000-0000-0000-0000-000000000000"
    object[path: "metadata", "creationTimestamp"] = .string(Timestamp.now())
    return object
  }
}
