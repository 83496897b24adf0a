import LabStore
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOWebSocket

/// Turns a connection whose first request asks for it into a port-forward.
///
/// A request that is refused goes on to be answered as an ordinary one, which says why.
struct PortForwardUpgrades: Sendable {
  /// The longest WebSocket message that is taken; the API server takes 4 MiB and more.
  private static let longestMessage = 1 << 24

  let api: APIServer

  var upgraders: [any NIOTypedHTTPServerProtocolUpgrader<HTTPListener.Connection>] {
    let webSocket = NIOTypedWebSocketServerUpgrader<HTTPListener.Connection>(
      maxFrameSize: Self.longestMessage,
      shouldUpgrade: { channel, head in
        accept(channel, head).map { offer in
          offer.map { HTTPHeaders($0.subprotocol.map { [("sec-websocket-protocol", $0)] } ?? []) }
        }
      }, upgradePipelineHandler: { channel, head in start(channel, head) })
    return [webSocket, SPDYUpgrader(upgrades: self)]
  }

  /// What will be done with this request; nil: no upgrade.
  func accept(_ channel: any Channel, _ head: HTTPRequestHead) -> EventLoopFuture<PortForwardOffer?> {
    let promise = channel.eventLoop.makePromise(of: PortForwardOffer?.self)
    promise.completeWithTask {
      let certificate = try await channel.nioSSL_peerCertificate().get()
      guard api.authenticator.user(certificate: certificate, headers: head.headers).isAuthenticated, let pod = PortForwardOffer.pod(of: head) else {
        return nil
      }
      return try? await api.offer(of: APIRequest(head: head, body: [], user: .anonymous), pod)
    }
    return promise.futureResult
  }

  /// Puts the handlers of the agreed protocol into the connection.
  func start(_ channel: any Channel, _ head: HTTPRequestHead) -> EventLoopFuture<HTTPListener.Connection> {
    channel.eventLoop.makeCompletedFuture {
      guard let pod = PortForwardOffer.pod(of: head) else { throw StatusError.noSuchPath }
      let request = APIRequest(head: head, body: [], user: .anonymous)
      let offer = try PortForwardOffer(pod: pod, method: head.method, headers: head.headers, query: request.query)
      let pipeline = channel.pipeline.syncOperations
      switch offer.carrier {
      case .channels(let ports): try pipeline.addHandler(ChannelPortForward(node: api.node, pod: pod, ports: ports))
      case .spdyInWebSocket: try pipeline.addHandlers([WebSocketBytes(), SPDYPortForward(node: api.node, pod: pod)])
      case .spdy: try pipeline.addHandler(SPDYPortForward(node: api.node, pod: pod))
      }
      return .upgraded(channel)
    }
  }
}

extension APIServer {
  /// - Throws: `StatusError` that says why this is no port-forward that can be started.
  func offer(of request: APIRequest, _ pod: ObjectKey) async throws -> PortForwardOffer {
    let found = try await stored(.pod) { try await store.get(pod) }
    let offer = try PortForwardOffer(pod: pod, method: request.method, headers: request.headers, query: request.query)
    guard found[path: "spec", "nodeName"]?.stringValue?.isEmpty == false else {
      throw StatusError.badRequest("pod \(pod.name) does not have a host assigned")
    }
    return offer
  }

  /// The answer to a port-forward that was not upgraded.
  func refusalOfPortForward(_ request: APIRequest, _ pod: ObjectKey) async throws -> StatusError {
    _ = try await offer(of: request, pod)
    // An upgrade is looked for in a connection's first request only.
    return .badRequest("Upgrade request required as the first request of a connection")
  }
}

/// The upgrade that kubectl asks for without WebSockets.
private struct SPDYUpgrader: NIOTypedHTTPServerProtocolUpgrader {
  typealias UpgradeResult = HTTPListener.Connection

  let upgrades: PortForwardUpgrades
  let supportedProtocol = "SPDY/3.1"
  let requiredUpgradeHeaders: [String] = []

  func buildUpgradeResponse(
    channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    upgrades.accept(channel, upgradeRequest).flatMapThrowing { offer in
      guard offer != nil else { throw StatusError.badRequest("no port-forward") }
      var headers = initialResponseHeaders
      headers.replaceOrAdd(name: "x-stream-protocol-version", value: PortForwardOffer.streamProtocol)
      return headers
    }
  }

  func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<HTTPListener.Connection> {
    upgrades.start(channel, upgradeRequest)
  }
}
