import LabStore
import NIOCore

/// Port-forward over SPDY/3.1: for each connection an error stream and a data stream with the same `requestid`.
///
/// Like Kubernetes' own ends this one neither sends nor minds window updates: a Pod that does not read holds its whole
/// connection back.
final class SPDYPortForward: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let node: any NodeStreams
  private let pod: ObjectKey
  private let blocks = HeaderBlocks()
  private let reader = SPDYReader()
  /// Error streams whose data stream has not come yet, by request.
  private var errorStreams: [String: UInt32] = [:]
  /// Connections by the number of their data stream.
  private var connections: [UInt32: SPDYConnection] = [:]

  init(node: any NodeStreams, pod: ObjectKey) {
    self.node = node
    self.pod = pod
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !reader.read(unwrapInboundIn(data), { try handle($0, context) }) else { return }
    send(.goAway, context)
    context.close(promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { throttle(context) }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { for connection in connections.values { connection.socket?.resume() } }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    for connection in connections.values { connection.socket?.close() }
    connections = [:]
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func handle(_ frame: SPDYFrame, _ context: ChannelHandlerContext) throws {
    switch frame {
    case .synStream(let stream, let block, let isLast): try open(stream, try blocks.decode(block), isLast, context)
    case .data(let stream, let bytes, let isLast):
      guard let connection = connections[stream] else { return }
      if bytes.readableBytes > 0 { connection.socket?.write(bytes) }
      if isLast { endFromClient(connection, context) }
    case .rstStream(let stream, _):
      if let connection = connections[stream] { finish(connection, context) }
    case .headers(_, let block): _ = try blocks.decode(block)
    case .ping(let identity): send(.ping(identity), context)
    case .goAway, .synReply, .other: break
    }
  }

  private func open(_ stream: UInt32, _ headers: [String: String], _ isLast: Bool, _ context: ChannelHandlerContext)
    throws
  {
    let request = headers["requestid"] ?? ""
    guard let port = UInt16(headers["port"] ?? ""), port > 0, let type = headers["streamtype"],
      ["error", "data"].contains(type)
    else {
      return send(.rstStream(stream: stream, status: SPDYFrame.protocolError), context)
    }
    send(.synReply(stream: stream, block: blocks.encode([:])), context)
    guard type == "data" else {
      errorStreams[request] = stream
      return
    }
    guard let errorStream = errorStreams.removeValue(forKey: request) else {
      return send(.rstStream(stream: stream, status: SPDYFrame.protocolError), context)
    }
    let connection = SPDYConnection(dataStream: stream, errorStream: errorStream, port: port)
    connections[stream] = connection
    let socket = PodSocket(eventLoop: context.eventLoop, wantsBytes: { context.channel.isWritable }) {
      [weak self] event in
      self?.handle(event, connection, context)
    }
    connection.socket = socket
    socket.connect(node, pod, port: port)
    if isLast { endFromClient(connection, context) }
  }

  private func endFromClient(_ connection: SPDYConnection, _ context: ChannelHandlerContext) {
    connection.isClientDone = true
    connection.socket?.endOutput()
    if connection.isPodDone { finish(connection, context) }
  }

  // MARK: From the Pod

  private func handle(_ event: PodSocket.Event, _ connection: SPDYConnection, _ context: ChannelHandlerContext) {
    switch event {
    case .connected: break
    case .bytes(let bytes): send(.data(stream: connection.dataStream, bytes: bytes, isLast: false), context)
    case .writabilityChanged: throttle(context)
    case .inputEnded: endFromPod(connection, context)
    case .closed:
      endFromPod(connection, context)
      finish(connection, context)
    case .failed(let message):
      let text = "error forwarding port \(connection.port) to pod \(pod.name): \(message)"
      send(.data(stream: connection.errorStream, bytes: ByteBuffer(string: text), isLast: true), context)
      send(.rstStream(stream: connection.dataStream, status: SPDYFrame.cancel), context)
      connections[connection.dataStream] = nil
      throttle(context)
    }
  }

  private func endFromPod(_ connection: SPDYConnection, _ context: ChannelHandlerContext) {
    guard !connection.isPodDone else { return }
    connection.isPodDone = true
    send(.data(stream: connection.dataStream, bytes: ByteBuffer(), isLast: true), context)
    if connection.isClientDone { finish(connection, context) }
  }

  /// Ends a connection for good; the end of the error stream says that there is no error.
  private func finish(_ connection: SPDYConnection, _ context: ChannelHandlerContext) {
    guard connections.removeValue(forKey: connection.dataStream) != nil else { return }
    connection.socket?.close()
    send(.data(stream: connection.errorStream, bytes: ByteBuffer(), isLast: true), context)
    throttle(context)
  }

  // MARK: The connection

  private func send(_ frame: SPDYFrame, _ context: ChannelHandlerContext) {
    var buffer = context.channel.allocator.buffer(capacity: 64)
    frame.write(to: &buffer)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func throttle(_ context: ChannelHandlerContext) {
    let reads = connections.values.allSatisfy { $0.socket?.isWritable ?? true }
    try? context.channel.syncOptions?.setOption(.autoRead, value: reads)
  }
}

/// One forwarded connection: two streams and a socket.
final class SPDYConnection {
  let dataStream: UInt32
  let errorStream: UInt32
  let port: UInt16
  var socket: PodSocket?
  /// The client sends no more.
  var isClientDone = false
  /// The Pod sends no more.
  var isPodDone = false

  init(dataStream: UInt32, errorStream: UInt32, port: UInt16) {
    self.dataStream = dataStream
    self.errorStream = errorStream
    self.port = port
  }
}
