import LabStore
import NIOCore
import NIOPosix
import NIOWebSocket
import Testing

@testable import LabAPI

/// `v4.channel.k8s.io`, which kubectl no longer speaks: a client of its own, without TLS and handshake.
@Suite struct ChannelPortForwardTests {
  private typealias Client = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

  /// Runs a forwarding server and a client that is connected to it.
  private func withClient(
    ports: [UInt16], to targets: [UInt16: UInt16],
    _ test:
      @Sendable @escaping (
        NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator, NIOAsyncChannelOutboundWriter<WebSocketFrame>
      ) async throws ->
      Void
  ) async throws {
    let node = FakeNode(store: ObjectStore(), ports: targets)
    let pod = ObjectKey(.pods, namespace: "default", name: "web")
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer {
      channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandlers(
          WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 24)),
          ChannelPortForward(node: node, pod: pod, ports: ports))
      }
    }.bind(host: "127.0.0.1", port: 0).get()
    let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: server.localAddress?.port ?? 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers(
            WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 24)))
          return try Client(wrappingChannelSynchronously: channel)
        }
      }
    try await client.executeThenClose { inbound, outbound in try await test(inbound.makeAsyncIterator(), outbound) }
    try await server.close()
  }

  private static func frame(_ bytes: [UInt8], _ opcode: WebSocketOpcode = .binary) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: ByteBuffer(bytes: bytes))
  }

  private static func bytes(_ frame: WebSocketFrame?) -> [UInt8]? {
    frame.map { Array($0.unmaskedData.readableBytesView) }
  }

  @Test func portsComeFirstThenTheData() async throws {
    let echo = try await EchoServer.start()
    try await withClient(ports: [8080], to: [8080: echo.port]) { iterator, outbound in
      var iterator = iterator
      try await outbound.write(Self.frame([0] + Array("early".utf8)))
      #expect(Self.bytes(try await iterator.next()) == [0, 0x90, 0x1F])
      #expect(Self.bytes(try await iterator.next()) == [1, 0x90, 0x1F])
      #expect(Self.bytes(try await iterator.next()) == [0] + Array("early".utf8))
      try await outbound.write(Self.frame([7], .ping))
      #expect(try await iterator.next()?.opcode == .pong)
    }
    try await echo.stop()
  }

  @Test func bigMessagesComeBackInSmallOnes() async throws {
    let echo = try await EchoServer.start()
    let size = 4 << 20
    try await withClient(ports: [8080], to: [8080: echo.port]) { iterator, outbound in
      var iterator = iterator
      for _ in 0..<2 { _ = try await iterator.next() }
      let writing = Task { try await outbound.write(Self.frame([0] + [UInt8](repeating: 9, count: size))) }
      var received = 0
      var longest = 0
      while received < size, let frame = try await iterator.next() {
        longest = max(longest, frame.data.readableBytes)
        received += frame.data.readableBytes - 1
      }
      try await writing.value
      #expect(received == size)
      #expect(longest <= 32 * 1024 + 1)
    }
    try await echo.stop()
  }

  @Test func aRefusedPortIsSaidAndEndsTheSocket() async throws {
    try await withClient(ports: [9], to: [:]) { iterator, outbound in
      var iterator = iterator
      for _ in 0..<2 { _ = try await iterator.next() }
      let message = try #require(Self.bytes(try await iterator.next()))
      #expect(message.first == 1)
      #expect(String(decoding: message.dropFirst(), as: UTF8.self).contains("connection refused"))
      let end = try #require(try await iterator.next())
      #expect(end.opcode == .connectionClose)
      #expect(Self.bytes(end) == [0x03, 0xE8])
    }
  }

  @Test func onePortOfTwoThatIsRefusedLeavesTheOther() async throws {
    let echo = try await EchoServer.start()
    try await withClient(ports: [9, 8080], to: [8080: echo.port]) { iterator, outbound in
      var iterator = iterator
      try await outbound.write(Self.frame([2, 42]))
      var seen: Set<[UInt8]> = []
      while !seen.contains([2, 42]), let bytes = Self.bytes(try await iterator.next()) { seen.insert(bytes) }
      #expect(seen.contains([2, 42]))
      #expect(seen.isSuperset(of: [[0, 9, 0], [1, 9, 0], [2, 0x90, 0x1F], [3, 0x90, 0x1F]]))
    }
    try await echo.stop()
  }

  @Test(arguments: [
    ("GET", "websocket", "v4.channel.k8s.io", "?ports=80", 0), ("GET", "websocket", "v4.channel.k8s.io", "", 400),
    ("POST", "websocket", "v4.channel.k8s.io", "?ports=80", 405),
    ("GET", "websocket", "v5.channel.k8s.io", "?ports=80", 403),
    ("GET", "websocket", "v4.channel.k8s.io, SPDY/3.1+portforward.k8s.io", "", 0), ("POST", "SPDY/3.1", "", "", 0),
    ("GET", "", "", "", 400),
    ("GET", "websocket", "v4.channel.k8s.io", "?ports=80,x", 400),
  ]) func whatIsOfferedDecides(method: String, upgrade: String, protocols: String, query: String, code: Int) throws {
    let pod = ObjectKey(.pods, namespace: "default", name: "web")
    var found = 0
    do {
      let offer = try PortForwardOffer(
        pod: pod, method: .init(rawValue: method), headers: ["upgrade": upgrade, "sec-websocket-protocol": protocols],
        query: QueryParameters(parsing: query.dropFirst()))
      if protocols.contains("SPDY") {
        #expect(offer.carrier == .spdyInWebSocket && offer.subprotocol == PortForwardOffer.spdyProtocol)
      }
    } catch let error as StatusError { found = error.code }
    #expect(found == code)
  }
}
