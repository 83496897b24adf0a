import LabStore
import NIOCore

/// A command over SPDY/3.1: the client opens a stream for each of the command's, named by the header `streamtype`, and
/// the command starts with the last of them.
///
/// Like Kubernetes' own ends this one neither sends nor minds window updates.
final class SPDYExec: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Stream: String { case error, stdin, stdout, stderr, resize }

  private let node: any NodeStreams
  private let pod: ObjectKey
  private let request: ExecRequest
  private let blocks = HeaderBlocks()
  private let reader = SPDYReader()
  private var streams: [UInt32: Stream] = [:]
  private var sizes: [UInt8] = []
  private var session: ExecSession?
  private var hasEnded = false

  init(node: any NodeStreams, pod: ObjectKey, request: ExecRequest) {
    self.node = node
    self.pod = pod
    self.request = request
  }

  func handlerAdded(context: ChannelHandlerContext) {
    session = ExecSession(eventLoop: context.eventLoop, wantsBytes: { context.channel.isWritable }) {
      [weak self] event in
      self?.handle(event, context)
    }
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !reader.read(unwrapInboundIn(data), { try handle($0, context) }) else { return }
    send(.goAway, context)
    context.close(promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { throttle(context) }

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

  private func handle(_ frame: SPDYFrame, _ context: ChannelHandlerContext) throws {
    switch frame {
    case .synStream(let stream, let block, _): open(stream, try blocks.decode(block), context)
    case .data(let stream, let bytes, let isLast): take(bytes, isLast, from: streams[stream])
    case .rstStream(let stream, _): if streams[stream] == .stdin { session?.endInput() }
    case .headers(_, let block): _ = try blocks.decode(block)
    case .ping(let identity): send(.ping(identity), context)
    case .goAway, .synReply, .other: break
    }
  }

  private func open(_ stream: UInt32, _ headers: [String: String], _ context: ChannelHandlerContext) {
    guard !hasEnded, let type = headers["streamtype"].flatMap(Stream.init), !streams.values.contains(type) else {
      return send(.rstStream(stream: stream, status: SPDYFrame.protocolError), context)
    }
    send(.synReply(stream: stream, block: blocks.encode([:])), context)
    let wasComplete = isComplete
    streams[stream] = type
    if isComplete, !wasComplete { session?.start(node, pod, request) }
  }

  private var isComplete: Bool {
    let wanted: [(Stream, Bool)] = [
      (.error, true), (.stdin, request.standardInput), (.stdout, request.standardOutput),
      (.stderr, request.standardError),
      (.resize, request.hasTerminal),
    ]
    return wanted.allSatisfy { type, isWanted in !isWanted || streams.values.contains(type) }
  }

  private func take(_ bytes: ByteBuffer, _ isLast: Bool, from stream: Stream?) {
    switch stream {
    case .stdin:
      if bytes.readableBytes > 0 { session?.write(bytes) }
      if isLast { session?.endInput() }
    case .resize:
      sizes += bytes.readableBytesView
      if let size = TerminalSize.read(from: &sizes).last { session?.resize(size) }
    default: break
    }
  }

  // MARK: From the command

  private func handle(_ event: ExecSession.Event, _ context: ChannelHandlerContext) {
    switch event {
    case .bytes(let bytes, let output):
      guard let stream = number(output == .standardOutput ? .stdout : .stderr) else { return }
      send(.data(stream: stream, bytes: bytes, isLast: false), context)
    case .writabilityChanged: throttle(context)
    case .ended(let status):
      session = nil
      hasEnded = true
      for type in [Stream.stdout, .stderr] {
        if let stream = number(type) { send(.data(stream: stream, bytes: ByteBuffer(), isLast: true), context) }
      }
      if let stream = number(.error) {
        send(.data(stream: stream, bytes: ByteBuffer(bytes: status.serialized()), isLast: true), context)
      }
      closeSoon(context)
    }
  }

  /// The client closes when it has read everything, and has five seconds for it. Its bytes must be read until then, or
  /// a close would overtake bytes that it has not read yet.
  private func closeSoon(_ context: ChannelHandlerContext) {
    throttle(context)
    let channel = context.channel
    let timeout = context.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in timeout.cancel() }
  }

  private func number(_ type: Stream) -> UInt32? { streams.first { $0.value == type }?.key }

  private func send(_ frame: SPDYFrame, _ context: ChannelHandlerContext) {
    var buffer = context.channel.allocator.buffer(capacity: 64)
    frame.write(to: &buffer)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func throttle(_ context: ChannelHandlerContext) {
    try? context.channel.syncOptions?.setOption(.autoRead, value: session?.isWritable ?? true)
  }
}
