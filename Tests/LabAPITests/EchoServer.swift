import NIOCore
import NIOPosix

/// Listens on this machine and sends back what it reads, an end too.
struct EchoServer: Sendable {
  let channel: any Channel

  var port: UInt16 { UInt16(channel.localAddress?.port ?? 0) }

  static func start() async throws -> EchoServer {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return EchoServer(channel: channel)
  }

  func stop() async throws { try await channel.close() }
}

private final class Echo: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent { context.close(mode: .output, promise: nil) }
  }
}

/// A client that sends bytes, half-closes and reads to the end.
enum EchoClient {
  static func exchange(_ bytes: [UInt8], port: Int) async throws -> [UInt8] {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      async let sending: Void = {
        try await outbound.write(ByteBuffer(bytes: bytes))
        outbound.finish()
      }()
      var received: [UInt8] = []
      for try await buffer in inbound { received += buffer.readableBytesView }
      try await sending
      return received
    }
  }
}
