import KubeObjects
import LabStore

extension APIServer {
  func delete(_ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind) async throws -> APIResponse {
    let options = try DeleteOptions(request)
    let object = try await delete(key, kind, options)
    let isStillThere = object.isTerminating
    if isStillThere || options.isDryRun { return .json(Representation(request, kind).one(object)) }
    var details = kind.details(key.name)
    details["uid"] = .string(object.uid)
    return .json(["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details])
  }

  func deleteCollection(_ request: APIRequest, _ namespace: String?, _ kind: ResourceKind) async throws -> APIResponse {
    let options = try DeleteOptions(request)
    let filter = try filter(request, namespace, kind)
    let (all, revision) = await store.list(kind.resource, namespace: namespace)
    let items = all.filter(filter.matches)
    for item in items {
      do { _ = try await delete(item.key(kind.resource), kind, options) } catch let error as StatusError
        where error.code == 404
      {
        // Another client was faster.
      }
    }
    return .json(Representation(request, kind).list(items, metadata: ["resourceVersion": .string(String(revision))]))
  }

  /// - Returns: the object's last state; one with a `deletionTimestamp` is still there.
  func delete(_ key: ObjectKey, _ kind: ResourceKind, _ options: DeleteOptions) async throws -> JSONValue {
    try await stored(kind) {
      let current = try await store.get(key)
      if kind.resource == .namespaces, ["default", "kube-system", "kube-public"].contains(key.name) {
        throw StatusError.forbidden(kind, key.name, "this namespace may not be deleted")
      }
      if options.isDryRun { return current }
      if let finalizer = options.policy.finalizer, !current.finalizers.contains(finalizer) {
        _ = try await store.update(key) { object in
          object[path: "metadata", "finalizers"] = .array(object.finalizers.map { .string($0) } + [.string(finalizer)])
        }
      }
      return try await store.delete(
        key, grace: Deletion.grace(of: current, kind, asked: options.grace), preconditions: options.preconditions)
    }
  }
}

/// Kubernetes' `DeleteOptions`, from the body or the query.
struct DeleteOptions: Sendable {
  enum Policy: String, Sendable {
    case background = "Background"
    case foreground = "Foreground"
    case orphan = "Orphan"

    /// The finalizer that keeps the object until the garbage collector has done its part.
    var finalizer: String? {
      switch self {
      case .background: nil
      case .foreground: GarbageCollector.foregroundFinalizer
      case .orphan: GarbageCollector.orphanFinalizer
      }
    }
  }

  var grace: Int?
  var policy = Policy.background
  var preconditions = DeletePreconditions()
  var isDryRun: Bool

  init(_ request: APIRequest) throws {
    let body = request.body.isEmpty ? JSONValue.object([:]) : try request.jsonBody()
    grace = body["gracePeriodSeconds"]?.intValue ?? request.query.number("gracePeriodSeconds")
    preconditions.uid = body[path: "preconditions", "uid"]?.stringValue
    preconditions.resourceVersion = body[path: "preconditions", "resourceVersion"]?.stringValue
    let bodyIsDryRun = body["dryRun"]?.elements.contains("All") ?? false
    isDryRun = try request.isDryRun() || bodyIsDryRun
    if body["orphanDependents"] == true { policy = .orphan }
    if let name = body["propagationPolicy"]?.stringValue ?? request.query["propagationPolicy"] {
      guard let known = Policy(rawValue: name) else {
        throw StatusError.badRequest(
          "Invalid value: \"\(name)\": propagationPolicy can be Background, Foreground or Orphan")
      }
      policy = known
    }
  }
}

/// The time for which an object stays after its deletion was asked for.
enum Deletion {
  /// Seconds for the store: nil removes at once. Pods that a node runs wait for the node, namespaces for their content.
  static func grace(of object: JSONValue, _ kind: ResourceKind, asked: Int?) -> Int? {
    switch kind.resource {
    case .pods:
      let seconds = JSONValue.count(asked ?? object[path: "spec", "terminationGracePeriodSeconds"]?.intValue ?? 30)
      let isOnNode = object[path: "spec", "nodeName"]?.stringValue?.isEmpty == false
      return isOnNode && seconds > 0 ? seconds : nil
    case .namespaces: return 0
    default: return nil
    }
  }
}
