import KubeObjects
import NIOHTTP1

/// One request, read completely and authenticated.
struct APIRequest: Sendable {
  var method: HTTPMethod
  /// The path's parts, percent-decoded.
  var segments: [String]
  var query: QueryParameters
  var headers: HTTPHeaders
  var body: [UInt8]
  var user: UserInfo

  init(head: HTTPRequestHead, body: [UInt8], user: UserInfo) {
    method = head.method
    let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    segments = (parts.first ?? "").split(separator: "/").map { PercentCoding.decode($0) }
    query = QueryParameters(parsing: parts.count > 1 ? parts[1] : "")
    headers = head.headers
    self.body = body
    self.user = user
  }

  /// The media type of the body, without parameters, lower case.
  var contentType: String {
    let value = headers.first(name: "content-type") ?? ""
    return (value.split(separator: ";").first.map(String.init) ?? "").lowercased().filter { $0 != " " }
  }

  /// The writer's name for `managedFields`: the `fieldManager` parameter, else the product of the User-Agent.
  var fieldManager: String {
    if let manager = query["fieldManager"], !manager.isEmpty { return manager }
    let agent = headers.first(name: "user-agent") ?? ""
    let product = agent.prefix { $0 != "/" && $0 != " " }
    return product.isEmpty ? "unknown" : String(product)
  }

  /// Returns true if the request asks to be tried without being done.
  /// - Throws: `StatusError` (400) for any `dryRun` but `All`.
  func isDryRun() throws -> Bool {
    let values = query.all("dryRun").filter { !$0.isEmpty }
    guard values.allSatisfy({ $0 == "All" }) else {
      throw StatusError.badRequest("Invalid value: \(values.map { "\"\($0)\"" }): dryRun can only be All")
    }
    return !values.isEmpty
  }

  /// The body as an object.
  /// - Throws: `StatusError` 415 for anything but JSON and the few protobuf messages that kubectl sends, 400 for a
  ///   mistake in it.
  func jsonBody() throws -> JSONValue {
    if contentType == ProtobufKinds.mediaType { return try ProtobufKinds.decode(body) }
    guard contentType.isEmpty || contentType == "application/json" || contentType.hasSuffix("+json") else {
      throw StatusError.unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: application/json")
    }
    return try parsedBody()
  }

  /// The body as JSON whatever its media type says.
  func parsedBody() throws -> JSONValue {
    do {
      return try JSONValue(parsing: body)
    } catch {
      throw StatusError.badRequest("couldn't parse the body as JSON: \(error)")
    }
  }
}
