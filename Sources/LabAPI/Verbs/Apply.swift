import Inputs
import KubeObjects
import LabStore

extension APIServer {
  static let applyType = "application/apply-patch+yaml"

  /// A PATCH with the media type of server-side apply: makes the object or changes it.
  func apply(
    _ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, _ subresource: ResourceKind.Subresource?
  ) async throws -> APIResponse {
    guard subresource == nil else {
      throw StatusError.unsupportedMediaType("the lab has server-side apply for whole objects only")
    }
    let apply = try serverSideApply(request, key, kind)
    while true {
      do {
        let object = try await change(request, key, kind, apply)
        return .json(Representation(request, kind).one(object))
      } catch StoreError.notFound(key) {}
      do {
        let object = try await create(request, key, kind, apply)
        return .json(Representation(request, kind).one(object), code: 201)
        // Another client was faster: it is a change then.
      } catch let error as StatusError where error.reason == "AlreadyExists" {}
    }
  }

  private func change(_ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, _ apply: ServerSideApply)
    async throws -> JSONValue
  {
    let admission = UpdateAdmission(key: key, kind: kind, subresource: nil, manager: apply.manager)
    let change: @Sendable (JSONValue) throws -> JSONValue = { live in
      let (object, managed) = try apply.applied(to: live)
      return try admission.admit(object, managed: managed, over: live)
    }
    do {
      if try request.isDryRun() { return try change(try await store.get(key)) }
      return try await store.update(key) { $0 = try change($0) }
    } catch StoreError.conflict(let key) {
      throw StatusError.conflict(kind, key.name)
    }
  }

  private func create(_ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, _ apply: ServerSideApply)
    async throws -> JSONValue
  {
    let access = AccessRequest(
      verb: "create", group: kind.group, resource: kind.plural, namespace: kind.isNamespaced ? key.namespace : nil,
      name: key.name)
    try await authorizer.require(request.user, access)
    // A version is of something that was there.
    guard apply.configuration.resourceVersion.isEmpty, apply.configuration.uid.isEmpty else {
      throw StatusError.conflict(kind, key.name)
    }
    var (object, managed) = try apply.applied(to: nil)
    if kind.isNamespaced { object[path: "metadata", "namespace"] = .string(key.namespace) }
    return try await admit(object, kind, by: request, managed: managed)
  }

  // MARK: The request

  /// - Throws: `StatusError` in Kubernetes' words for what is no apply of this object.
  private func serverSideApply(_ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind) throws -> ServerSideApply
  {
    guard let manager = request.query["fieldManager"], !manager.isEmpty else {
      throw Self.badOption("fieldManager", .required, "is required for apply patch")
    }
    let body = try Self.yaml(String(decoding: request.body, as: UTF8.self))
    guard body["apiVersion"]?.stringValue == kind.apiVersion, body["kind"]?.stringValue == kind.kind else {
      let version = body["apiVersion"]?.stringValue ?? ""
      let type = version.contains("/") || version.isEmpty ? version.isEmpty ? "/" : version : "/" + version
      throw StatusError.badRequest("invalid object type: \(type), Kind=\(body["kind"]?.stringValue ?? "")")
    }
    guard !body.name.isEmpty else {
      throw StatusError.badRequest(
        "the name of the object (\(key.name) based on URL) was undeterminable: name must be provided")
    }
    guard body.name == key.name else {
      throw StatusError.badRequest(
        "the name of the object (\(body.name)) does not match the name on the URL (\(key.name))")
    }
    guard body.namespace.isEmpty || body.namespace == key.namespace else {
      throw StatusError.badRequest(
        "the namespace of the object (\(body.namespace)) does not match the namespace on the request (\(key.namespace))"
      )
    }
    guard body[path: "metadata", "managedFields"]?.elements.isEmpty != false else {
      throw StatusError.badRequest("metadata.managedFields must be nil")
    }
    return try ServerSideApply(body, manager: manager, isForced: request.query.flag("force"), kind)
  }

  /// A mistake in the parameters of a patch.
  static func badOption(_ field: String, _ reason: FieldCause.Reason, _ what: String) -> StatusError {
    let words = reason == .required ? "Required value: \(what)" : "Forbidden: \(what)"
    return StatusError(
      422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: \(field): \(words)",
      details: ["group": "meta.k8s.io", "kind": "PatchOptions", "causes": [FieldCause(reason, field, words).object]])
  }

  /// YAML, and so JSON too, as the values that JSON has. As in Kubernetes, only the first document counts.
  static func yaml(_ text: String) throws -> JSONValue {
    if let value = try? JSONValue(parsing: text) { return value }
    // Each value that is written has a byte of its own; aliases of aliases mean many more than that.
    var limits = YAMLText.Limits()
    limits.copies = text.utf8.count + 1000
    let documents: [YAMLValue]
    do throws(YAMLProblem) { documents = try YAMLText.read(text, limits: limits) } catch {
      throw notYAML(error.line, error.message)
    }
    return try documents.first.map { try json($0) } ?? .null
  }

  private static func json(_ value: YAMLValue) throws -> JSONValue {
    switch value.content {
    case .scalar(let text, let isPlain): return isPlain && value.tag == nil ? YAMLScalar.value(text) : .string(text)
    case .sequence(let elements): return .array(try elements.map { try json($0) })
    case .mapping(let entries):
      var members: [String: JSONValue] = [:]
      for entry in entries {
        if let last = entry.last { throw notYAML(last.line, "key \"\(entry.key)\" already set in map") }
        members[entry.key] = try json(entry.value)
      }
      return .object(members)
    }
  }

  private static func notYAML(_ line: Int, _ problem: String) -> StatusError {
    .badRequest("error decoding YAML: error converting YAML to JSON: yaml: line \(line): \(problem)")
  }
}
