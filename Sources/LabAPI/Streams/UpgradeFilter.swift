import NIOCore
import NIOHTTP1

/// Takes the `Upgrade` header off a connection's first request unless it is for a Pod's streams, so that it is answered
/// as an ordinary one.
final class UpgradeFilter: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
    if !Self.isUpgrade(head) { head.headers.remove(name: "upgrade") }
    context.fireChannelRead(wrapInboundOut(.head(head)))
    // Only a first request can upgrade, and what follows an upgrade are no requests.
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
    guard StreamTarget(of: head) != nil else { return false }
    let headers = head.headers
    switch headers[canonicalForm: "upgrade"].map({ $0.lowercased() }) {
    case ["websocket"]:
      let hasBody = headers.contains(name: "transfer-encoding") || (headers.first(name: "content-length") ?? "0") != "0"
      return !hasBody && headers["sec-websocket-key"].count == 1 && headers["sec-websocket-version"] == ["13"]
    case ["spdy/3.1"]: return true
    default: return false
    }
  }
}
