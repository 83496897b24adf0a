import KubeObjects
import NIOHTTP1

/// "May I?" and "who am I?": whoever is let in at all may do everything.
enum AccessReview {
  /// The answer where the path asks one of these questions, nil for any other path.
  static func respond(to request: APIRequest, path: ResourcePath) throws -> APIResponse? {
    guard isQuestion(path) else { return nil }
    guard request.method == .POST, path.name == nil else { throw StatusError.methodNotAllowed("a review can only be created") }
    var review = try request.jsonBody()
    switch path.plural {
    case "selfsubjectrulesreviews":
      review["status"] = [
        "resourceRules": [["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]], "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]],
        "incomplete": false,
      ]
    case "selfsubjectreviews":
      review["status"] = ["userInfo": ["username": .string(request.user.name), "groups": .array(request.user.groups.map { .string($0) })]]
    default: review["status"] = ["allowed": true, "reason": "the lab lets its users do everything"]
    }
    return .json(review, code: 201)
  }

  /// Discovery's entries for these questions.
  static func resources(group: String) -> [JSONValue] {
    questions.filter { $0.group == group }.map { question in
      [
        "name": .string(question.plural), "singularName": .string(question.kind.lowercased()), "namespaced": JSONValue(question.isNamespaced),
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
    Question(group: "authorization.k8s.io", plural: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview", isNamespaced: true),
    Question(group: "authentication.k8s.io", plural: "selfsubjectreviews", kind: "SelfSubjectReview"),
  ]

  private static func isQuestion(_ path: ResourcePath) -> Bool {
    path.version == "v1" && questions.contains { $0.group == path.group && $0.plural == path.plural }
  }
}
