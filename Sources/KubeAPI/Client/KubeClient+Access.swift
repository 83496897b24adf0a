import KubeObjects

/// True if the user may do something, and why.
public struct AccessReview: Sendable, Hashable {
  public let isAllowed: Bool
  /// Often empty.
  public let reason: String
}

extension KubeClient {
  /// Asks the server what the user may do (Kubernetes API, `SelfSubjectAccessReview`).
  /// - Parameter namespace: nil for all namespaces.
  public func selfSubjectAccessReview(
    verb: String, _ resource: APIResource, subresource: String? = nil, name: String? = nil, namespace: String?
  ) async throws(KubeError) -> AccessReview {
    var attributes: JSONValue = [
      "verb": JSONValue(verb), "group": JSONValue(resource.group), "version": JSONValue(resource.version),
      "resource": JSONValue(resource.plural),
    ]
    if let subresource { attributes["subresource"] = JSONValue(subresource) }
    if let name { attributes["name"] = JSONValue(name) }
    if let namespace { attributes["namespace"] = JSONValue(namespace) }
    let review: JSONValue = [
      "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
      "spec": ["resourceAttributes": attributes],
    ]
    let request = HTTPRequest(
      "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body: review.serialized())
    // Nothing is kept of a review.
    let answer = try await json(request, isIdempotent: true)
    return AccessReview(
      isAllowed: answer[path: "status", "allowed"]?.boolValue ?? false,
      reason: answer[path: "status", "reason"]?.stringValue ?? "")
  }

  /// What the server is, such as `v1.36.0` (`/version`).
  /// - Throws: `KubeError.badResponse` where another program answers.
  public func serverVersion() async throws(KubeError) -> String {
    do throws(KubeError) {
      return try await json(HTTPRequest("GET", "/version"))["gitVersion"]?.stringValue ?? ""
    } catch {
      // Kubernetes explains itself with a reason, and serves this path to everybody.
      guard case .status(let code, "", let message, _) = error,
        [400, 404, 405].contains(code) || (300..<400).contains(code)
      else { throw error }
      let hint = access.server.description.hasPrefix("http://") ? " (an API server is mostly reached by https://)" : ""
      // Nobody wants to read the source of another program's page.
      let words = message.hasPrefix("<") ? "a web page" : message
      throw .badResponse(server: access.server.description, problem: "it answered \(code) to /version: \(words)\(hint)")
    }
  }
}
