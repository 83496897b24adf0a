import LabStore
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOWebSocket

/// Turns a connection whose first request asks for it into streams of a Pod: a port-forward, or a command.
///
/// NIO's upgrade handler forgets a request that it does not upgrade. So what cannot be an upgrade does not get there
/// (`UpgradeFilter`), and what is refused is answered here.
struct StreamUpgrades: Sendable {
  /// The longest WebSocket message that is taken; the API server takes 4 MiB and more.
  private static let longestMessage = 1 << 24

  let api: APIServer

  var upgraders: [any NIOTypedHTTPServerProtocolUpgrader<HTTPListener.Connection>] {
    let webSocket = NIOTypedWebSocketServerUpgrader<HTTPListener.Connection>(
      maxFrameSize: Self.longestMessage,
      shouldUpgrade: { channel, head in
        accept(channel, head).map { offer in
          HTTPHeaders(offer.subprotocol.map { [("sec-websocket-protocol", $0)] } ?? [])
        }
      }, upgradePipelineHandler: { channel, head in start(channel, head) })
    return [webSocket, SPDYUpgrader(upgrades: self)]
  }

  /// Decides about this request. A failed future has been answered, and the connection ends.
  func accept(_ channel: any Channel, _ head: HTTPRequestHead) -> EventLoopFuture<StreamOffer> {
    let promise = channel.eventLoop.makePromise(of: StreamOffer.self)
    promise.completeWithTask {
      let certificate = try await channel.nioSSL_peerCertificate().get()
      let user = api.authenticator.user(certificate: certificate, headers: head.headers)
      do {
        guard user.isAuthenticated else { throw StatusError.unauthorized }
        guard let target = StreamTarget(of: head) else { throw StatusError.noSuchPath }
        return try await api.offer(of: APIRequest(head: head, body: [], user: user), target)
      } catch let error as StatusError {
        refuse(channel, error)
        throw error
      }
    }
    return promise.futureResult
  }

  private func refuse(_ channel: any Channel, _ error: StatusError) {
    // A kubelet's refusals are text.
    let isText = error.reason.isEmpty
    let body = isText ? ByteBuffer(string: error.message) : ByteBuffer(bytes: error.object.serialized())
    var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: error.code))
    head.headers.add(name: "content-type", value: isText ? "text/plain; charset=utf-8" : "application/json")
    head.headers.add(name: "content-length", value: String(body.readableBytes))
    head.headers.add(name: "connection", value: "close")
    for part: HTTPServerResponsePart in [.head(head), .body(.byteBuffer(body))] { channel.write(part, promise: nil) }
    channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in channel.close(promise: nil) }
  }

  /// Puts the handlers of the agreed protocol into the connection.
  func start(_ channel: any Channel, _ head: HTTPRequestHead) -> EventLoopFuture<HTTPListener.Connection> {
    channel.eventLoop.makeCompletedFuture {
      guard let target = StreamTarget(of: head) else { throw StatusError.noSuchPath }
      let pipeline = channel.pipeline.syncOperations
      switch try StreamOffer(of: APIRequest(head: head, body: [], user: .anonymous), target) {
      case .portForward(let offer):
        switch offer.carrier {
        case .channels(let ports):
          try pipeline.addHandler(ChannelPortForward(node: api.node, pod: target.pod, ports: ports))
        case .spdyInWebSocket:
          try pipeline.addHandlers([WebSocketBytes(), SPDYPortForward(node: api.node, pod: target.pod)])
        case .spdy: try pipeline.addHandler(SPDYPortForward(node: api.node, pod: target.pod))
        }
      case .exec(let offer):
        switch offer.carrier {
        case .channels: try pipeline.addHandler(ChannelExec(node: api.node, pod: target.pod, request: offer.request))
        case .spdy: try pipeline.addHandler(SPDYExec(node: api.node, pod: target.pod, request: offer.request))
        }
      }
      return .upgraded(channel)
    }
  }
}

/// The upgrade that kubectl asks for without WebSockets.
private struct SPDYUpgrader: NIOTypedHTTPServerProtocolUpgrader {
  typealias UpgradeResult = HTTPListener.Connection

  let upgrades: StreamUpgrades
  let supportedProtocol = "SPDY/3.1"
  let requiredUpgradeHeaders: [String] = []

  func buildUpgradeResponse(
    channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    upgrades.accept(channel, upgradeRequest).map { offer in
      var headers = initialResponseHeaders
      headers.replaceOrAdd(name: "x-stream-protocol-version", value: offer.streamProtocol)
      return headers
    }
  }

  func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<HTTPListener.Connection> {
    upgrades.start(channel, upgradeRequest)
  }
}
