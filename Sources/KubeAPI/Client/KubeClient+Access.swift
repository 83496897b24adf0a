import KubeObjects

/// The server's answer whether the user may do something, with the reason.
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
    // The server keeps nothing of a review.
    let answer = try await json(request, isIdempotent: true)
    return AccessReview(
      isAllowed: answer[path: "status", "allowed"]?.boolValue ?? false,
      reason: answer[path: "status", "reason"]?.stringValue ?? "")
  }

  /// Returns the server's version, such as `v1.36.0` (`/version`).
  /// - Throws: `KubeError.badResponse` if another program answers.
  public func serverVersion() async throws(KubeError) -> String {
    let answer: JSONValue
    do throws(KubeError) { answer = try await json(HTTPRequest("GET", "/version")) } catch {
      // Kubernetes gives a reason for a refusal, and serves this path to everyone.
      guard case .status(let code, "", let message, _) = error,
        [400, 404, 405].contains(code) || (300..<400).contains(code)
      else { throw error }
      let hint = access.server.description.hasPrefix("http://") ? " (an API server is mostly reached by https://)" : ""
      // The source of another program's page is of no use.
      let words = message.hasPrefix("<") ? "a web page" : message
      throw .badResponse(server: access.server.description, problem: "it answered \(code) to /version: \(words)\(hint)")
    }
    guard let version = answer["gitVersion"]?.stringValue else {
      throw .badResponse(server: access.server.description, problem: "its answer to /version names no version")
    }
    return version
  }
}
