import KubeObjects
import LabStore
import Logging
import NIOHTTP1

/// Answers requests: finds out what a path means and hands it to the verb (`Verbs/`).
struct APIServer: Sendable {
  let store: any ObjectStoring
  let node: any NodeStreams
  let addresses: ServiceAddresses
  let authenticator: Authenticator
  let logger: Logger

  func respond(to request: APIRequest) async -> APIResponse {
    do {
      return try await route(request)
    } catch let error as StatusError {
      return APIResponse(error)
    } catch {
      logger.error(
        "request failed", metadata: ["path": "/\(request.segments.joined(separator: "/"))", "error": "\(error)"])
      return APIResponse(.internalError("\(error)"))
    }
  }

  private func route(_ request: APIRequest) async throws -> APIResponse {
    let segments = request.segments
    switch segments.first {
    case "healthz", "livez", "readyz": return .text("ok")
    case "version": return .json(Discovery.version)
    default: break
    }
    guard request.user.isAuthenticated else { throw StatusError.unauthorized }
    switch segments.first {
    case nil: return .json(Discovery.paths)
    case "openapi": return try OpenAPI.respond(to: request)
    case "api", "apis":
      if let found = try Discovery.respond(to: request) { return found }
      guard let path = ResourcePath(segments: segments) else { throw StatusError.noSuchPath }
      if let answer = try await AccessReview.respond(to: request, path: path, authorizer) { return answer }
      guard let kind = KindTable.kind(path.resource) else { throw StatusError.noSuchPath }
      if !StreamTarget.isStream(path) { try await authorizer.require(request.user, access(request, path)) }
      return try await route(request, path, kind)
    default: throw StatusError.noSuchPath
    }
  }

  var authorizer: Authorizer { Authorizer(store: store) }

  private func access(_ request: APIRequest, _ path: ResourcePath) -> AccessRequest {
    AccessRequest(
      verb: request.verb(hasName: path.name != nil), group: path.group,
      resource: path.plural + (path.subresource.map { "/" + $0 } ?? ""),
      namespace: path.resource == .namespaces ? path.name : path.namespace, name: path.name)
  }

  private func route(_ request: APIRequest, _ path: ResourcePath, _ kind: ResourceKind) async throws -> APIResponse {
    guard kind.isNamespaced || path.namespace == nil else { throw StatusError.noSuchPath }
    guard let name = path.name else { return try await collection(request, path, kind) }
    guard !kind.isNamespaced || path.namespace != nil else { throw StatusError.noSuchPath }
    let key = ObjectKey(kind.resource, namespace: path.namespace ?? "", name: name)
    guard let word = path.subresource else { return try await object(request, key, kind) }
    guard let subresource = ResourceKind.Subresource(rawValue: word), kind.subresources.contains(subresource) else {
      throw StatusError.noSuchPath
    }
    switch subresource {
    case .status, .finalize: return try await object(request, key, kind, subresource: subresource)
    case .scale: return try await scale(request, key, kind)
    case .log: return try await logs(request, key)
    case .eviction: return try await evict(request, key)
    case .portforward, .exec: throw try await refusalOfUpgrade(request, StreamTarget(kind: subresource, pod: key))
    case .token: throw StatusError.noSuchPath
    }
  }

  private func collection(_ request: APIRequest, _ path: ResourcePath, _ kind: ResourceKind) async throws -> APIResponse
  {
    switch request.method {
    case .GET where request.query.flag("watch"): try await watch(request, path.namespace, kind)
    case .GET, .HEAD: try await list(request, path.namespace, kind)
    case .POST: try await create(request, path.namespace, kind)
    case .DELETE: try await deleteCollection(request, path.namespace, kind)
    default: throw StatusError.methodNotAllowed("the server does not allow this method on the requested resource")
    }
  }

  private func object(
    _ request: APIRequest, _ key: ObjectKey, _ kind: ResourceKind, subresource: ResourceKind.Subresource? = nil
  ) async throws -> APIResponse {
    switch request.method {
    case .GET, .HEAD: return try await get(request, key, kind)
    case .PUT: return try await update(request, key, kind, subresource)
    case .PATCH: return try await patch(request, key, kind, subresource)
    case .DELETE where subresource == nil: return try await delete(request, key, kind)
    default: throw StatusError.methodNotAllowed("the server does not allow this method on the requested resource")
    }
  }

  /// Runs a store's operation and tells its errors as a client of this kind hears them.
  func stored<Result: Sendable>(_ kind: ResourceKind, _ operation: () async throws -> Result) async throws -> Result {
    do { return try await operation() } catch let error as StoreError { throw StatusError(error, kind: kind) }
  }
}
