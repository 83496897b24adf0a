import KubeObjects

/// A kind of object that the server has, and its verbs (Kubernetes API, `APIResource`).
public struct DiscoveredResource: Sendable, Hashable {
  public var resource: APIResource
  /// `get`, `list`, `watch`, `create`, `patch`, `delete`, …
  public var verbs: Set<String>

  public init(resource: APIResource, verbs: Set<String>) {
    self.resource = resource
    self.verbs = verbs
  }
}

extension KubeClient {
  /// Returns the kinds of one group and version, such as `apps/v1`, without subresources. Empty if the
  /// server does not have the group.
  public func resources(apiVersion: String) async throws(KubeError) -> [DiscoveredResource] {
    let list: JSONValue
    do {
      list = try await json(HTTPRequest("GET", apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"))
    } catch {
      if error.isNotFound { return [] }
      throw error
    }
    let parts = apiVersion.split(separator: "/").map(String.init)
    guard let version = parts.last else { return [] }
    return (list["resources"]?.elements ?? []).compactMap { entry in
      guard let plural = entry["name"]?.stringValue, let kind = entry.kind, !plural.contains("/") else { return nil }
      let resource = APIResource(
        group: parts.count > 1 ? parts[0] : "", version: version, plural: plural, kind: kind,
        namespaced: entry["namespaced"]?.boolValue ?? false)
      return DiscoveredResource(
        resource: resource, verbs: Set(entry["verbs"]?.elements.compactMap(\.stringValue) ?? []))
    }
  }

  /// Returns every kind that the server has, each in its group's preferred version, without groups whose
  /// server does not answer.
  public func allResources() async throws(KubeError) -> [DiscoveredResource] {
    let groups = try await json(HTTPRequest("GET", "/apis"))["groups"]?.elements ?? []
    let versions = ["v1"] + groups.compactMap { $0[path: "preferredVersion", "groupVersion"]?.stringValue }
    return await withTaskGroup(of: [DiscoveredResource].self) { group in
      for version in versions { group.addTask { (try? await resources(apiVersion: version)) ?? [] } }
      return await group.reduce(into: []) { $0 += $1 }
    }
  }

  /// Returns only the metadata of one object (Kubernetes API, `PartialObjectMetadata`), or nil if none has that name.
  public func findMetadata(_ resource: APIResource, _ name: String, namespace: String? = nil) async throws(KubeError)
    -> JSONValue?
  {
    let partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    let request = HTTPRequest("GET", path(resource, namespace, name), headers: [("Accept", partial)])
    do throws(KubeError) {
      let response = try await send(request)
      guard let object = try? JSONValue(parsing: response.body) else {
        throw .badResponse(server: access.server.description, problem: "the answer to GET \(request.path) is not JSON")
      }
      return ["metadata": object["metadata"] ?? [:]]
    } catch {
      guard error.isNotFound else { throw error }
      return nil
    }
  }

  /// Returns only the metadata of all objects of a kind (Kubernetes API, `PartialObjectMetadata`), with
  /// the kind's own `kind` and `apiVersion`.
  public func listMetadata(_ resource: APIResource, namespace: String?, labels: LabelSelector? = nil)
    async throws(KubeError) -> [JSONValue]
  {
    let partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
    let request = HTTPRequest(
      "GET", resource.path(namespace: namespace), query: Self.selection(labels, nil), headers: [("Accept", partial)])
    let response = try await send(request)
    guard let list = try? JSONValue(parsing: response.body) else {
      throw .badResponse(server: access.server.description, problem: "the answer to GET \(request.path) is not JSON")
    }
    return (list["items"]?.elements ?? []).map { item in
      [
        "apiVersion": JSONValue(resource.apiVersion), "kind": JSONValue(resource.kind),
        "metadata": item["metadata"] ?? [:],
      ]
    }
  }
}
