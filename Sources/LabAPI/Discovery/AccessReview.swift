import KubeObjects
import NIOHTTP1

/// "May I?" and "who am I?"
enum AccessReview {
  /// The answer where the path asks one of these questions, nil for any other path.
  static func respond(to request: APIRequest, path: ResourcePath, _ authorizer: Authorizer) async throws -> APIResponse?
  {
    guard isQuestion(path) else { return nil }
    guard request.method == .POST, path.name == nil else {
      throw StatusError.methodNotAllowed("a review can only be created")
    }
    var review = try request.jsonBody()
    switch path.plural {
    case "selfsubjectrulesreviews":
      let isMaster = request.user.groups.contains("system:masters")
      let everything: [JSONValue] = [["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]]
      let rules =
        isMaster
        ? everything : await authorizer.rules(of: request.user, in: review[path: "spec", "namespace"]?.stringValue)
      review["status"] = ["resourceRules": .array(rules), "nonResourceRules": [], "incomplete": false]
    case "selfsubjectreviews":
      review["status"] = [
        "userInfo": ["username": .string(request.user.name), "groups": .array(request.user.groups.map { .string($0) })]
      ]
    default:
      let isAllowed = await authorizer.allows(subject(of: review, request), access(in: review["spec"]))
      review["status"] = [
        "allowed": .bool(isAllowed), "reason": isAllowed ? "RBAC: allowed" : "RBAC: no rule allows it",
      ]
    }
    return .json(review, code: 201)
  }

  /// The user whom a review asks about: one named in it, or the one who asks.
  private static func subject(of review: JSONValue, _ request: APIRequest) -> UserInfo {
    guard let name = review[path: "spec", "user"]?.stringValue else { return request.user }
    return UserInfo(
      name: name,
      groups: (review[path: "spec", "groups"]?.elements ?? []).compactMap(\.stringValue) + ["system:authenticated"])
  }

  private static func access(in spec: JSONValue?) -> AccessRequest {
    func text(_ field: String) -> String? {
      let value = spec?[path: "resourceAttributes", field]?.stringValue ?? ""
      return value.isEmpty ? nil : value
    }
    let subresource = text("subresource").map { "/" + $0 } ?? ""
    return AccessRequest(
      verb: text("verb") ?? "get", group: text("group") ?? "", resource: (text("resource") ?? "") + subresource,
      namespace: text("namespace"),
      name: text("name"))
  }

  /// Discovery's entries for these questions.
  static func resources(group: String) -> [JSONValue] {
    questions.filter { $0.group == group }.map { question in
      [
        "name": .string(question.plural), "singularName": .string(question.kind.lowercased()),
        "namespaced": JSONValue(question.isNamespaced),
        "kind": .string(question.kind), "verbs": ["create"],
      ]
    }
  }

  private struct Question: Sendable {
    var group: String
    var plural: String
    var kind: String
    var isNamespaced = false
  }

  private static let questions = [
    Question(group: "authorization.k8s.io", plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview"),
    Question(group: "authorization.k8s.io", plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview"),
    Question(group: "authorization.k8s.io", plural: "subjectaccessreviews", kind: "SubjectAccessReview"),
    Question(
      group: "authorization.k8s.io", plural: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview",
      isNamespaced: true),
    Question(group: "authentication.k8s.io", plural: "selfsubjectreviews", kind: "SelfSubjectReview"),
  ]

  private static func isQuestion(_ path: ResourcePath) -> Bool {
    path.version == "v1" && questions.contains { $0.group == path.group && $0.plural == path.plural }
  }
}
