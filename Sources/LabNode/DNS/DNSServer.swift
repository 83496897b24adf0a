import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The zone that queries are answered from, replaced as a whole.
final class ZoneHolder: Sendable {
  private let zone: Mutex<ClusterZone>

  init(_ zone: ClusterZone) { self.zone = Mutex(zone) }

  var current: ClusterZone { zone.withLock { $0 } }
  func replace(with new: ClusterZone) { zone.withLock { $0 = new } }

  /// The response to one message's bytes; nil for what deserves none.
  /// - Parameter limit: the transport's greatest message, in bytes, where the query names none.
  func response(to bytes: [UInt8], limit: Int) -> [UInt8]? {
    guard let query = try? DNSMessage(decoding: bytes) else {
      guard bytes.count >= 12, bytes[2] & 0x80 == 0 else { return nil }
      let code = DNSMessage.ResponseCode.formatError.rawValue
      return DNSMessage(identifier: UInt16(bytes[0]) << 8 | UInt16(bytes[1]), isResponse: true, responseCode: code)
        .encoded()
    }
    // Never answer a response: two servers could loop.
    guard !query.isResponse else { return nil }
    return current.response(to: query).encoded(limit: max(limit, Int(query.udpPayloadSize ?? 0)))
  }
}

/// Cluster DNS: port 53 of the cluster DNS address, UDP and TCP, on the node's event loop.
struct DNSServer: Sendable {
  private let datagrams: any Channel
  private let listener: any Channel

  init(on node: NodeEventLoop, address: String, zone: ZoneHolder) async throws {
    let local = try SocketAddress(ipAddress: address, port: 53)
    datagrams = try await node.open { loop in
      DatagramBootstrap(group: loop).channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramAnswers(zone: zone))
        }
      }.bind(to: local)
    }
    listener = try await node.open { loop in
      ServerBootstrap(group: loop).serverChannelOption(.socketOption(.so_reuseaddr), value: 1).childChannelInitializer {
        channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([
            IdleStateHandler(readTimeout: .seconds(30)), ByteToMessageHandler(LengthPrefixed()),
            StreamAnswers(zone: zone),
          ])
        }
      }.bind(to: local)
    }
  }

  func stop() async {
    try? await datagrams.close()
    try? await listener.close()
  }
}

private final class DatagramAnswers: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>
  private let zone: ZoneHolder

  init(zone: ZoneHolder) { self.zone = zone }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let query = unwrapInboundIn(data)
    guard let response = zone.response(to: Array(query.data.readableBytesView), limit: 512) else { return }
    context.writeAndFlush(
      wrapOutboundOut(AddressedEnvelope(remoteAddress: query.remoteAddress, data: ByteBuffer(bytes: response))),
      promise: nil)
  }

  // A port unreachable from a client that has gone is no reason to stop serving the others.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// RFC 1035 section 4.2.2: over TCP each message begins with its length in two bytes.
private struct LengthPrefixed: ByteToMessageDecoder {
  typealias InboundOut = ByteBuffer

  mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    guard let message = buffer.readLengthPrefixedSlice(as: UInt16.self) else { return .needMoreData }
    context.fireChannelRead(wrapInboundOut(message))
    return .continue
  }
}

private final class StreamAnswers: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private let zone: ZoneHolder

  init(zone: ZoneHolder) { self.zone = zone }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let response = zone.response(to: Array(unwrapInboundIn(data).readableBytesView), limit: 65535) else {
      return context.close(promise: nil)
    }
    var buffer = context.channel.allocator.buffer(capacity: response.count + 2)
    buffer.writeInteger(UInt16(response.count))
    buffer.writeBytes(response)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
