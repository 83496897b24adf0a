import KubeObjects
import LabStore

/// An action that a user wants to do.
struct AccessRequest: Sendable, Equatable {
  var verb: String
  var group: String
  /// With its subresource: `pods/log`.
  var resource: String
  /// nil: in all namespaces, or of a cluster-scoped resource.
  var namespace: String?
  var name: String?
}

/// Says who may do what, by the RBAC objects in the store. The administrators of `system:masters` may do everything.
struct Authorizer: Sendable {
  private static let roles = Resource(group: "rbac.authorization.k8s.io", version: "v1", plural: "roles")
  private static let roleBindings = Resource(group: "rbac.authorization.k8s.io", version: "v1", plural: "rolebindings")
  static let clusterRoles = Resource(group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterroles")
  private static let clusterRoleBindings = Resource(
    group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterrolebindings")

  let store: any ObjectStoring

  func allows(_ user: UserInfo, _ request: AccessRequest) async -> Bool {
    if user.groups.contains("system:masters") { return true }
    return await rules(of: user, in: request.namespace).contains { Self.matches($0, request) }
  }

  /// - Throws: `StatusError` (403) in Kubernetes' words.
  func require(_ user: UserInfo, _ request: AccessRequest) async throws {
    if await allows(user, request) { return }
    let place = request.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
    let plural = request.resource.prefix { $0 != "/" }
    let subject = request.group.isEmpty ? String(plural) : "\(plural).\(request.group)"
    let object = request.name.map { "\(subject) \"\($0)\"" } ?? subject
    var details: JSONValue = ["kind": .string(String(plural))]
    if !request.group.isEmpty { details["group"] = .string(request.group) }
    details["name"] = request.name.map { .string($0) }
    throw StatusError(
      403, "Forbidden",
      """
      \(object) is forbidden: User "\(user.name)" cannot \(request.verb) resource "\(request.resource)" in API group \
      "\(request.group)" \(place)
      """,
      details: details)
  }

  /// The rules that bind a user in a namespace (nil: those that hold everywhere).
  func rules(of user: UserInfo, in namespace: String?) async -> [JSONValue] {
    var rules: [JSONValue] = []
    for binding in await store.list(Self.clusterRoleBindings, namespace: nil).items where Self.binds(binding, user) {
      rules += await Self.rules(of: binding, "", store)
    }
    guard let namespace else { return rules }
    for binding in await store.list(Self.roleBindings, namespace: namespace).items where Self.binds(binding, user) {
      rules += await Self.rules(of: binding, namespace, store)
    }
    return rules
  }

  private static func rules(of binding: JSONValue, _ namespace: String, _ store: any ObjectStoring) async -> [JSONValue]
  {
    let isCluster = binding[path: "roleRef", "kind"] == "ClusterRole"
    let name = binding[path: "roleRef", "name"]?.stringValue ?? ""
    let role = try? await store.get(
      ObjectKey(isCluster ? clusterRoles : roles, namespace: isCluster ? "" : namespace, name: name))
    return role?["rules"]?.elements ?? []
  }

  private static func binds(_ binding: JSONValue, _ user: UserInfo) -> Bool {
    (binding["subjects"]?.elements ?? []).contains { subject in
      let name = subject["name"]?.stringValue ?? ""
      switch subject["kind"]?.stringValue {
      case "User": return name == user.name
      case "Group": return user.groups.contains(name)
      case "ServiceAccount":
        return user.name == "system:serviceaccount:\(subject["namespace"]?.stringValue ?? ""):\(name)"
      default: return false
      }
    }
  }

  private static func matches(_ rule: JSONValue, _ request: AccessRequest) -> Bool {
    func words(_ field: String) -> Set<String> { Set((rule[field]?.elements ?? []).compactMap(\.stringValue)) }
    let resources = words("resources")
    let subresource = request.resource.split(separator: "/").dropFirst().first.map { "*/\($0)" }
    let names = words("resourceNames")
    return !words("verbs").isDisjoint(with: ["*", request.verb])
      && !words("apiGroups").isDisjoint(with: ["*", request.group])
      && (!resources.isDisjoint(with: ["*", request.resource]) || subresource.map(resources.contains) ?? false)
      && (names.isEmpty || request.name.map(names.contains) ?? false)
  }
}

extension APIRequest {
  /// The request's verb as RBAC calls it.
  func verb(hasName: Bool) -> String {
    switch method {
    case .POST: "create"
    case .PUT: "update"
    case .PATCH: "patch"
    case .DELETE: hasName ? "delete" : "deletecollection"
    default: hasName ? "get" : query.flag("watch") ? "watch" : "list"
    }
  }
}
