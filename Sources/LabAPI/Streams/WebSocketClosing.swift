import NIOCore
import NIOWebSocket

/// Ends a WebSocket so that the other end reads everything: a close frame, then its answer or five seconds.
enum WebSocketClosing {
  static func close(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
    var data = context.channel.allocator.buffer(capacity: 2)
    data.write(webSocketErrorCode: code)
    context.writeAndFlush(NIOAny(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
    let channel = context.channel
    let timeout = context.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in timeout.cancel() }
  }

  static func pong(_ context: ChannelHandlerContext, _ ping: WebSocketFrame) {
    context.writeAndFlush(NIOAny(WebSocketFrame(fin: true, opcode: .pong, data: ping.unmaskedData)), promise: nil)
  }
}
