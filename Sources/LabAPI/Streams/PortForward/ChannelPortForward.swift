import LabStore
import NIOCore
import NIOWebSocket

/// Port-forward over `v4.channel.k8s.io`: the first byte of each message is its channel, 2i for the data of the i-th
/// port, 2i+1 for its errors. One connection per port; there is no half-close.
final class ChannelPortForward: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private let node: any NodeStreams
  private let pod: ObjectKey
  private let ports: [UInt16]
  /// By index; nil where the connection has ended.
  private var sockets: [PodSocket?] = []
  private var isClosing = false

  init(node: any NodeStreams, pod: ObjectKey, ports: [UInt16]) {
    self.node = node
    self.pod = pod
    self.ports = ports
  }

  func handlerAdded(context: ChannelHandlerContext) {
    for (index, port) in ports.enumerated() {
      // Both channels begin with the port, so that a client can tell them apart.
      for channel in [2 * index, 2 * index + 1] {
        var buffer = context.channel.allocator.buffer(capacity: 2)
        buffer.writeInteger(port, endianness: .little)
        send(buffer, on: channel, context)
      }
      let socket = PodSocket(eventLoop: context.eventLoop, wantsBytes: { context.channel.isWritable }) {
        [weak self] event in
        self?.handle(event, index, context)
      }
      sockets.append(socket)
      socket.connect(node, pod, port: port)
    }
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .binary, .text:
      var bytes = frame.unmaskedData
      guard let channel = bytes.readInteger(as: UInt8.self), channel % 2 == 0, bytes.readableBytes > 0 else { return }
      guard sockets.indices.contains(Int(channel / 2)), let socket = sockets[Int(channel / 2)] else { return }
      socket.write(bytes)
      throttle(context)
    case .ping: WebSocketClosing.pong(context, frame)
    case .connectionClose:
      if !isClosing {
        context.writeAndFlush(
          wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData)), promise: nil)
      }
      context.close(promise: nil)
    // The real server loses continuation frames as well: a message must not be fragmented.
    default: break
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { for socket in sockets { socket?.resume() } }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    for socket in sockets { socket?.close() }
    sockets = []
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  // MARK: From the Pod

  private func handle(_ event: PodSocket.Event, _ index: Int, _ context: ChannelHandlerContext) {
    switch event {
    case .connected: break
    case .bytes(let bytes): send(bytes, on: 2 * index, context)
    case .writabilityChanged: throttle(context)
    case .failed(let message):
      send(
        ByteBuffer(string: "error forwarding port \(ports[index]) to pod \(pod.name): \(message)"), on: 2 * index + 1,
        context)
      end(index, context)
    case .inputEnded, .closed: end(index, context)
    }
  }

  private func end(_ index: Int, _ context: ChannelHandlerContext) {
    guard sockets.indices.contains(index), let socket = sockets[index] else { return }
    socket.close()
    sockets[index] = nil
    throttle(context)
    guard !isClosing, sockets.allSatisfy({ $0 == nil }) else { return }
    isClosing = true
    WebSocketClosing.close(context, .normalClosure)
  }

  private func send(_ bytes: ByteBuffer, on channel: Int, _ context: ChannelHandlerContext) {
    var data = context.channel.allocator.buffer(capacity: bytes.readableBytes + 1)
    data.writeInteger(UInt8(channel))
    data.writeImmutableBuffer(bytes)
    context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .binary, data: data)), promise: nil)
  }

  /// Reads from the client only while every Pod connection takes more: one WebSocket has no windows for its channels.
  private func throttle(_ context: ChannelHandlerContext) {
    let reads = sockets.allSatisfy { $0?.isWritable ?? true }
    try? context.channel.syncOptions?.setOption(.autoRead, value: reads)
  }
}
