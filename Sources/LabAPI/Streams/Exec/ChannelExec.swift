import LabStore
import NIOCore
import NIOWebSocket

/// A command over `v4.channel.k8s.io` or `v5.channel.k8s.io`: the first byte of each message is its channel.
final class ChannelExec: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private enum Channel: UInt8 {
    case standardInput = 0
    case standardOutput = 1
    case standardError = 2
    case error = 3
    case resize = 4
    /// Version 5: the next byte is a channel on which nothing more comes.
    case close = 255
  }

  private let node: any NodeStreams
  private let pod: ObjectKey
  private let request: ExecRequest
  private var session: ExecSession?
  private var isClosing = false

  init(node: any NodeStreams, pod: ObjectKey, request: ExecRequest) {
    self.node = node
    self.pod = pod
    self.request = request
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let session = ExecSession(eventLoop: context.eventLoop, wantsBytes: { context.channel.isWritable }) {
      [weak self] event in
      self?.handle(event, context)
    }
    self.session = session
    // An empty message reports that the connection is open.
    send(
      ByteBuffer(), on: request.standardOutput ? .standardOutput : request.standardError ? .standardError : .error,
      context)
    session.start(node, pod, request)
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .binary, .text: take(frame.unmaskedData, context)
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

  private func take(_ message: ByteBuffer, _ context: ChannelHandlerContext) {
    var bytes = message
    guard let session, let channel = bytes.readInteger(as: UInt8.self).flatMap(Channel.init) else { return }
    switch channel {
    case .standardInput:
      if bytes.readableBytes > 0 { session.write(bytes) }
      throttle(context)
    case .close: if bytes.readInteger(as: UInt8.self) == Channel.standardInput.rawValue { session.endInput() }
    case .resize:
      var text = Array(bytes.readableBytesView)
      TerminalSize.read(from: &text).last.map(session.resize)
    case .standardOutput, .standardError, .error: break
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { session?.resume() }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    session?.close()
    session = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  // MARK: From the command

  private func handle(_ event: ExecSession.Event, _ context: ChannelHandlerContext) {
    switch event {
    case .bytes(let bytes, let output):
      send(bytes, on: output == .standardOutput ? .standardOutput : .standardError, context)
    case .writabilityChanged: throttle(context)
    case .ended(let status):
      send(ByteBuffer(bytes: status.serialized()), on: .error, context)
      session = nil
      isClosing = true
      // Read on while the client sends, or the close would overtake bytes that it has not read yet.
      throttle(context)
      WebSocketClosing.close(context, .normalClosure)
    }
  }

  private func send(_ bytes: ByteBuffer, on channel: Channel, _ context: ChannelHandlerContext) {
    var data = context.channel.allocator.buffer(capacity: bytes.readableBytes + 1)
    data.writeInteger(channel.rawValue)
    data.writeImmutableBuffer(bytes)
    context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .binary, data: data)), promise: nil)
  }

  /// Reads from the client only while the command takes more.
  private func throttle(_ context: ChannelHandlerContext) {
    try? context.channel.syncOptions?.setOption(.autoRead, value: session?.isWritable ?? true)
  }
}
