import KubeObjects
import LabStore
import NIOHTTP1

/// The Pod whose streams a path names, and which streams.
struct StreamTarget: Sendable, Equatable {
  var kind: ResourceKind.Subresource
  var pod: ObjectKey

  init(kind: ResourceKind.Subresource, pod: ObjectKey) {
    self.kind = kind
    self.pod = pod
  }

  /// nil where the path names no streams.
  init?(of head: HTTPRequestHead) {
    let segments = APIRequest(head: head, body: [], user: .anonymous).segments
    guard let path = ResourcePath(segments: segments), Self.isStream(path), let name = path.name,
      let namespace = path.namespace,
      let kind = path.subresource.flatMap(ResourceKind.Subresource.init)
    else { return nil }
    self.init(kind: kind, pod: ObjectKey(.pods, namespace: namespace, name: name))
  }

  static func isStream(_ path: ResourcePath) -> Bool {
    path.resource == .pods && ["portforward", "exec"].contains(path.subresource ?? "")
  }
}

/// A request for streams, and the protocol that will carry them.
enum StreamOffer: Sendable, Equatable {
  case portForward(PortForwardOffer)
  case exec(ExecOffer)

  /// - Throws: `StatusError`, where nothing of the kind can be agreed upon.
  init(of request: APIRequest, _ target: StreamTarget) throws {
    if target.kind == .exec {
      self = .exec(try ExecOffer(method: request.method, headers: request.headers, query: request.query))
    } else {
      self = .portForward(
        try PortForwardOffer(pod: target.pod, method: request.method, headers: request.headers, query: request.query))
    }
  }

  /// The WebSocket subprotocol to answer with.
  var subprotocol: String? {
    switch self {
    case .portForward(let offer): offer.subprotocol
    case .exec(let offer): offer.protocolName
    }
  }

  /// The `X-Stream-Protocol-Version` to answer with.
  var streamProtocol: String {
    switch self {
    case .portForward: PortForwardOffer.streamProtocol
    case .exec(let offer): offer.protocolName ?? ""
    }
  }
}

extension APIServer {
  /// - Throws: `StatusError` that says why these streams cannot be had.
  func offer(of request: APIRequest, _ target: StreamTarget) async throws -> StreamOffer {
    // A WebSocket is a GET that does what a POST did, and needs the right to both.
    let isWebSocket = request.headers.first(name: "upgrade")?.lowercased() == "websocket"
    for verb in isWebSocket ? ["get", "create"] : ["create"] {
      let access = AccessRequest(
        verb: verb, group: "", resource: "pods/\(target.kind.rawValue)", namespace: target.pod.namespace,
        name: target.pod.name)
      try await authorizer.require(request.user, access)
    }
    let pod = try await stored(.pod) { try await store.get(target.pod) }
    let offer = try StreamOffer(of: request, target)
    guard pod[path: "spec", "nodeName"]?.stringValue?.isEmpty == false else {
      throw StatusError.badRequest("pod \(target.pod.name) does not have a host assigned")
    }
    if case .exec(let exec) = offer { try exec.check(pod) }
    return offer
  }

  /// The answer to a request for streams that was not upgraded.
  func refusalOfUpgrade(_ request: APIRequest, _ target: StreamTarget) async throws -> StatusError {
    _ = try await offer(of: request, target)
    // An upgrade is looked for in a connection's first request only.
    return .badRequest("Upgrade request required as the first request of a connection")
  }
}
