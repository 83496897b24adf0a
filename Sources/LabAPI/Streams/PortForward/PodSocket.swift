import LabStore
import NIOCore
import NIOPosix

/// One connection to a port of a Pod, on the event loop of the client's connection, so that both share their
/// back-pressure.
///
/// It belongs to that event loop: everything but `init` is called there.
final class PodSocket {
  enum Event {
    case connected
    case bytes(ByteBuffer)
    /// The Pod sends no more.
    case inputEnded
    /// The connection is gone in both directions; nothing follows.
    case closed
    /// There was none; nothing follows.
    case failed(String)
    /// `isWritable` may have changed.
    case writabilityChanged
  }

  /// The most bytes that are taken before the socket is connected.
  private static let earlyLimit = 64 * 1024

  private let eventLoop: any EventLoop
  private var channel: (any Channel)?
  private var early = ByteBuffer()
  private var endsOutput = false
  private var isClosed = false
  private var onEvent: ((Event) -> Void)?
  /// Asked before each read: whether the client takes more.
  private let wantsBytes: () -> Bool

  init(eventLoop: any EventLoop, wantsBytes: @escaping () -> Bool, onEvent: @escaping (Event) -> Void) {
    self.eventLoop = eventLoop
    self.wantsBytes = wantsBytes
    self.onEvent = onEvent
  }

  var isWritable: Bool { channel?.isWritable ?? (early.readableBytes < Self.earlyLimit) }

  func connect(_ node: any NodeStreams, _ pod: ObjectKey, port: UInt16) {
    let promise = eventLoop.makePromise(of: Int32.self)
    promise.completeWithTask { try await node.connect(namespace: pod.namespace, pod: pod.name, port: port) }
    promise.futureResult.assumeIsolated().whenComplete { result in
      switch result {
      case .success(let descriptor): self.adopt(descriptor)
      case .failure(let error): self.finish(.failed("\(error)"))
      }
    }
  }

  func write(_ bytes: ByteBuffer) {
    if let channel {
      channel.writeAndFlush(bytes, promise: nil)
    } else {
      early.writeImmutableBuffer(bytes)
    }
  }

  /// Half-closes: the Pod reads an end, and can still send.
  func endOutput() {
    endsOutput = true
    channel?.close(mode: .output, promise: nil)
  }

  func close() {
    onEvent = nil
    isClosed = true
    channel?.close(promise: nil)
  }

  /// Reads on, if the client takes more.
  func resume() {
    if wantsBytes() { channel?.read() }
  }

  private func adopt(_ descriptor: Int32) {
    ClientBootstrap(group: eventLoop)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      // A read becomes one message, and messages are at most 32 KiB (and the channel's byte).
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32 * 1024))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .withConnectedSocket(descriptor)
      .assumeIsolated().whenComplete { result in
        switch result {
        case .failure(let error): self.finish(.failed("\(error)"))
        case .success(let channel): self.start(channel)
        }
      }
  }

  private func start(_ channel: any Channel) {
    guard !isClosed else { return channel.close(promise: nil) }
    do { try channel.pipeline.syncOperations.addHandler(PodSocketHandler(socket: self)) } catch {
      channel.close(promise: nil)
      return finish(.failed("\(error)"))
    }
    self.channel = channel
    onEvent?(.connected)
    if early.readableBytes > 0 { channel.writeAndFlush(early, promise: nil) }
    early = ByteBuffer()
    if endsOutput { channel.close(mode: .output, promise: nil) }
    onEvent?(.writabilityChanged)
    resume()
  }

  fileprivate func tell(_ event: Event) { onEvent?(event) }

  fileprivate func finish(_ event: Event) {
    guard let handler = onEvent else { return }
    onEvent = nil
    isClosed = true
    handler(event)
  }
}

/// Passes on what happens to a Pod's connection.
private final class PodSocketHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let socket: PodSocket

  init(socket: PodSocket) { self.socket = socket }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { socket.tell(.bytes(unwrapInboundIn(data))) }
  func channelReadComplete(context: ChannelHandlerContext) { socket.resume() }
  func channelWritabilityChanged(context: ChannelHandlerContext) { socket.tell(.writabilityChanged) }
  func channelInactive(context: ChannelHandlerContext) { socket.finish(.closed) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent { socket.tell(.inputEnded) }
  }
}
