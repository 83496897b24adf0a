import LabStore
import NIOCore
import NIOPosix

/// One stream of a command, on the event loop of the client's connection. Everything is called there.
final class ExecPipe {
  enum Event {
    case bytes(ByteBuffer)
    case writabilityChanged
    /// The other end is closed; nothing follows.
    case closed
  }

  enum Direction { case fromCommand, toCommand }

  private let wantsBytes: () -> Bool
  private var onEvent: ((Event) -> Void)?
  private var channel: (any Channel)?
  private var isClosed = false

  init(wantsBytes: @escaping () -> Bool, onEvent: @escaping (Event) -> Void) {
    self.wantsBytes = wantsBytes
    self.onEvent = onEvent
  }

  /// Takes the descriptor over. Events may come before this returns.
  func open(_ descriptor: Int32, _ direction: Direction, on eventLoop: any EventLoop) {
    // A read becomes one message, and messages are at most 32 KiB (and the channel's byte).
    let bootstrap = NIOPipeBootstrap(group: eventLoop).channelOption(.autoRead, value: direction == .toCommand)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32 * 1024))
    let channel =
      direction == .fromCommand
      ? bootstrap.takingOwnershipOfDescriptor(input: descriptor)
      : bootstrap.takingOwnershipOfDescriptor(output: descriptor)
    channel.assumeIsolated().whenComplete { result in
      switch result {
      case .failure:
        StreamDescriptor.close(descriptor)
        self.finish()
      case .success(let channel): self.start(channel)
      }
    }
  }

  var isWritable: Bool { isClosed || channel?.isWritable ?? false }

  /// Writes to the command, or drops the bytes if it no longer reads.
  func write(_ bytes: ByteBuffer) { channel?.writeAndFlush(bytes, promise: nil) }

  /// Closes once everything that was written is on its way.
  func close(afterWriting: Bool) {
    guard afterWriting, let channel else { return close() }
    onEvent = nil
    channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
  }

  func close() {
    onEvent = nil
    isClosed = true
    channel?.close(promise: nil)
  }

  func resume() { if wantsBytes() { channel?.read() } }

  private func start(_ channel: any Channel) {
    guard !isClosed, (try? channel.pipeline.syncOperations.addHandler(ExecPipeHandler(pipe: self))) != nil else {
      channel.close(promise: nil)
      return finish()
    }
    self.channel = channel
    onEvent?(.writabilityChanged)
    resume()
  }

  fileprivate func tell(_ event: Event) { onEvent?(event) }

  fileprivate func finish() {
    isClosed = true
    let handler = onEvent
    onEvent = nil
    handler?(.closed)
  }
}

private final class ExecPipeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let pipe: ExecPipe

  init(pipe: ExecPipe) { self.pipe = pipe }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { pipe.tell(.bytes(unwrapInboundIn(data))) }
  func channelReadComplete(context: ChannelHandlerContext) { pipe.resume() }
  func channelWritabilityChanged(context: ChannelHandlerContext) { pipe.tell(.writabilityChanged) }
  func channelInactive(context: ChannelHandlerContext) { pipe.finish() }
  // A terminal whose other end is closed reads as an error.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
