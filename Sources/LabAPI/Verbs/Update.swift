import KubeObjects
import LabStore

extension APIServer {
  func update(
    _ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, _ subresource: ResourceKind.Subresource?
  ) async throws -> APIResponse {
    let body = try expect(request.jsonBody(), kind)
    let given = body.name
    guard given == key.name else {
      throw StatusError.badRequest("the name of the object (\(given)) does not match the name on the URL (\(key.name))")
    }
    return try await change(request, key, kind, subresource) { _ in body }
  }

  /// Stores what `compute` makes of the newest version, as an update of the object or of one of its subresources.
  func change(
    _ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, _ subresource: ResourceKind.Subresource?,
    _ compute: @escaping @Sendable (JSONValue) throws -> JSONValue
  ) async throws -> APIResponse {
    let change = UpdateAdmission(key: key, kind: kind, subresource: subresource, manager: request.fieldManager)
    let object: JSONValue
    if try request.isDryRun() {
      let current = try await stored(kind) { try await store.get(key) }
      object = try await stored(kind) { try change.admit(try compute(current), over: current) }
    } else {
      object = try await stored(kind) {
        try await store.update(key) { stored in stored = try change.admit(try compute(stored), over: stored) }
      }
    }
    return .json(Representation(request, kind).one(object))
  }
}

/// The steps that every change of an object goes through before it is stored.
struct UpdateAdmission: Sendable {
  let key: ObjectKey
  let kind: ResourceKind
  let subresource: ResourceKind.Subresource?
  let manager: String

  /// - Throws: `StoreError.conflict` where the writer had read an older version, `StatusError` for mistakes.
  func admit(_ written: JSONValue, over current: JSONValue) throws -> JSONValue {
    var object = try prepare(written, over: current)
    // Managers that the writer handed in are taken; see `ManagedFields.record`.
    object[path: "metadata", "managedFields"] =
      subresource == nil ? written[path: "metadata", "managedFields"] : current[path: "metadata", "managedFields"]
    ManagedFields.record(from: current, to: &object, by: manager, subresource: subresource?.rawValue, kind)
    return object
  }

  /// Returns the result of an apply; without a change the current object, managers and times included.
  func admit(_ written: JSONValue, managed: ManagedFields, over current: JSONValue) throws -> JSONValue {
    var object = try prepare(written, over: current)
    let before = ManagedFields(of: current)
    object[path: "metadata", "managedFields"] = current[path: "metadata", "managedFields"]
    if object == current, managed.isSame(as: before) { return current }
    managed.write(to: &object, since: before)
    return object
  }

  /// Everything but `managedFields`, which stay as they are.
  private func prepare(_ written: JSONValue, over current: JSONValue) throws -> JSONValue {
    let written = written.withoutNulls
    for field in ["resourceVersion", "uid"] {
      let expected = written[path: "metadata", field]?.stringValue ?? ""
      guard expected.isEmpty || expected == current[path: "metadata", field]?.stringValue else {
        throw StoreError.conflict(key)
      }
    }
    var object: JSONValue
    switch subresource {
    case .status:
      object = current
      object["status"] = written["status"]
    case .finalize:
      object = current
      object[path: "spec", "finalizers"] = written[path: "spec", "finalizers"]
    default:
      object = written
      if kind.hasStatus { object["status"] = current["status"] }
      keepSystemFields(&object, current)
      Defaults.apply(to: &object, kind)
      try Validation.check(object, kind)
      try Validation.checkUpdate(object, over: current, kind)
    }
    return object
  }

  /// Keeps the fields that a writer may leave out without meaning to remove them.
  private func keepSystemFields(_ object: inout JSONValue, _ current: JSONValue) {
    for field in [
      "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields",
      "deletionTimestamp",
      "deletionGracePeriodSeconds", "generateName",
    ] {
      object[path: "metadata", field] = current[path: "metadata", field]
    }
    if kind.resource == .services, object[path: "spec", "type"] != "ExternalName" {
      for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        let value = object[path: "spec", field]
        if value == nil || value == "" { object[path: "spec", field] = current[path: "spec", field] }
      }
    }
    if kind.resource == .pods, object[path: "spec", "nodeName"] == nil {
      object[path: "spec", "nodeName"] = current[path: "spec", "nodeName"]
    }
    if kind.resource == .namespaces { object[path: "spec", "finalizers"] = current[path: "spec", "finalizers"] }
  }
}
