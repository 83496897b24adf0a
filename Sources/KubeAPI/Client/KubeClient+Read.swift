import KubeObjects

/// Objects of one kind, as they were at one moment.
public struct ObjectList: Sendable {
  public var items: [JSONValue]
  /// The version that a watch continues from.
  public var resourceVersion: String

  public init(items: [JSONValue], resourceVersion: String) {
    self.items = items
    self.resourceVersion = resourceVersion
  }
}

extension KubeClient {
  /// - Parameter namespace: nil for the client's own.
  public func get(
    _ resource: APIResource, _ name: String, namespace: String? = nil, subresource: String? = nil
  ) async throws(KubeError) -> JSONValue {
    try await json(HTTPRequest("GET", path(resource, namespace, name, subresource)))
  }

  /// Returns the object, or nil if none has that name.
  public func find(_ resource: APIResource, _ name: String, namespace: String? = nil) async throws(KubeError)
    -> JSONValue?
  {
    do { return try await get(resource, name, namespace: namespace) } catch {
      if error.isNotFound { return nil }
      throw error
    }
  }

  /// Returns all objects, fetched in pages of 500. If the pages' token expires meanwhile, they are fetched all at once.
  /// - Parameter namespace: nil for all namespaces.
  /// - Throws: `KubeError.badResponse` for a list beyond the client's limits.
  public func list(
    _ resource: APIResource, namespace: String?, labels: LabelSelector? = nil, fields: String? = nil,
    pageSize: Int = 500
  ) async throws(KubeError) -> ObjectList {
    let query = Self.selection(labels, fields)
    let path = resource.path(namespace: namespace)
    var items: [JSONValue] = []
    var token: String?
    var reading = ListReading(limits: limits, start: .now)
    while true {
      var page = query + [("limit", String(pageSize))]
      if let token { page.append(("continue", token)) }
      let list: JSONValue
      let size: Int
      do { (list, size) = try await sizedJSON(HTTPRequest("GET", path, query: page)) } catch {
        guard error.isGone, token != nil else { throw error }
        let whole = try await json(HTTPRequest("GET", path, query: query))
        return Self.objects(resource, whole, whole["items"]?.elements ?? [])
      }
      items += list["items"]?.elements ?? []
      guard let next = list[path: "metadata", "continue"]?.stringValue, !next.isEmpty else {
        return Self.objects(resource, list, items)
      }
      token = next
      if let problem = reading.problem(behindPageOf: size, next: next, now: .now) {
        throw .badResponse(server: access.server.description, problem: "the list of \(resource) \(problem)")
      }
    }
  }

  /// Gets anything, such as `/version`, `/readyz` or a Pod's log; returns the body unchanged.
  public func raw(_ path: String, query: [(String, String)] = [], timeout: Duration? = .seconds(60))
    async throws(KubeError) -> [UInt8]
  {
    try await send(HTTPRequest("GET", path, query: query, timeout: timeout)).body
  }

  /// Returns a Pod's log as it is written; it ends with the container unless `follow` is false.
  /// - Parameters:
  ///   - previous: of the container's instance before the present one.
  ///   - since: RFC 3339; older lines are left out, to the second.
  ///   - timestamps: each line begins with its time (RFC 3339, nine digits of a second) and a space.
  public func log(
    pod: String, namespace: String? = nil, container: String? = nil, follow: Bool = false, tailLines: Int? = nil,
    previous: Bool = false,
    since: String? = nil, timestamps: Bool = false
  ) async throws(KubeError) -> ResponseBody {
    var query: [(String, String)] = []
    if let container { query.append(("container", container)) }
    if follow { query.append(("follow", "true")) }
    if let tailLines { query.append(("tailLines", String(tailLines))) }
    if previous { query.append(("previous", "true")) }
    if let since { query.append(("sinceTime", since)) }
    if timestamps { query.append(("timestamps", "true")) }
    return try await open(
      HTTPRequest("GET", path(.pods, namespace, pod, "log"), query: query, timeout: follow ? nil : .seconds(60))
    ).body
  }

  static func selection(_ labels: LabelSelector?, _ fields: String?) -> [(String, String)] {
    var query: [(String, String)] = []
    if let labels, !labels.requirements.isEmpty { query.append(("labelSelector", labels.description)) }
    if let fields, !fields.isEmpty { query.append(("fieldSelector", fields)) }
    return query
  }

  /// Adds kind and apiVersion, which objects in a list lack, so that they can be used like any other.
  private static func objects(_ resource: APIResource, _ list: JSONValue, _ items: [JSONValue]) -> ObjectList {
    let typed = items.map { item in
      var item = item
      if item.kind == nil { item["kind"] = JSONValue(resource.kind) }
      if item.apiVersion == nil { item["apiVersion"] = JSONValue(resource.apiVersion) }
      return item
    }
    return ObjectList(items: typed, resourceVersion: list[path: "metadata", "resourceVersion"]?.stringValue ?? "")
  }

  func path(_ resource: APIResource, _ namespace: String?, _ name: String?, _ subresource: String? = nil) -> String {
    resource.path(namespace: namespace ?? access.namespace, name: name, subresource: subresource)
  }

  func json(_ request: HTTPRequest, isIdempotent: Bool? = nil) async throws(KubeError) -> JSONValue {
    try await sizedJSON(request, isIdempotent: isIdempotent).value
  }

  /// - Returns: also its size in bytes, unpacked.
  private func sizedJSON(_ request: HTTPRequest, isIdempotent: Bool? = nil) async throws(KubeError) -> (
    value: JSONValue, size: Int
  ) {
    var request = request
    request.headers.append(("Accept", "application/json"))
    if request.body != nil, !request.headers.contains(where: { $0.0 == "Content-Type" }) {
      request.headers.append(("Content-Type", "application/json"))
    }
    let response = try await send(request, isIdempotent: isIdempotent)
    do { return (try JSONValue(parsing: response.body), response.body.count) } catch {
      throw .badResponse(
        server: access.server.description, problem: "the answer to \(request.method) \(request.path) is not JSON")
    }
  }
}
