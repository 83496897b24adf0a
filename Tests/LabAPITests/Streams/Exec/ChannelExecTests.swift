import KubeObjects
import LabStore
import NIOCore
import NIOPosix
import NIOWebSocket
import Testing

@testable import LabAPI

#if canImport(Glibc)
  import Glibc
#endif

/// A client of the channels that sees every message, without TLS and handshake; the commands run on this machine.
@Suite struct ChannelExecTests {
  private typealias Client = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>
  private typealias Inbound = NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
  private typealias Outbound = NIOAsyncChannelOutboundWriter<WebSocketFrame>

  private func withClient(
    _ request: ExecRequest, _ test: @Sendable @escaping (inout Inbound, Outbound) async throws -> Void
  ) async throws {
    let node = FakeNode(store: ObjectStore())
    let pod = ObjectKey(.pods, namespace: "default", name: "web")
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer {
      channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandlers(
          WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 24)),
          ChannelExec(node: node, pod: pod, request: request))
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
    try await client.executeThenClose { inbound, outbound in
      var iterator = inbound.makeAsyncIterator()
      try await test(&iterator, outbound)
    }
    try await server.close()
  }

  private static func frame(_ bytes: [UInt8], _ opcode: WebSocketOpcode = .binary) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: ByteBuffer(bytes: bytes))
  }

  /// Everything until the close, by channel.
  private static func rest(_ iterator: inout Inbound) async throws -> (bytes: [UInt8: [UInt8]], close: [UInt8]) {
    var found: [UInt8: [UInt8]] = [:]
    while let frame = try await iterator.next() {
      let bytes = Array(frame.unmaskedData.readableBytesView)
      if frame.opcode == .connectionClose { return (found, bytes) }
      if let channel = bytes.first { found[channel, default: []] += bytes.dropFirst() }
    }
    return (found, [])
  }

  @Test func streamsAndStatusHaveTheirChannels() async throws {
    let request = ExecRequest(command: ["sh", "-c", "cat; echo oops >&2; exit 3"], standardInput: true)
    try await withClient(request) { iterator, outbound in
      // An empty message comes first.
      #expect(try await iterator.next().map { Array($0.unmaskedData.readableBytesView) } == [1])
      try await outbound.write(Self.frame([0] + Array("hello".utf8)))
      try await outbound.write(Self.frame([0xFF, 0]))
      let (bytes, close) = try await Self.rest(&iterator)
      #expect(bytes[1] == Array("hello".utf8) && bytes[2] == Array("oops\n".utf8))
      let status = try JSONValue(parsing: bytes[3] ?? [])
      #expect(
        status["reason"] == "NonZeroExitCode"
          && status[path: "details", "causes"]?[0] == ["reason": "ExitCode", "message": "3"])
      #expect(close == [0x03, 0xE8])
    }
  }

  @Test func bigStreamsArriveWhole() async throws {
    let size = 8 << 20
    try await withClient(ExecRequest(command: ["cat"], standardInput: true)) { iterator, outbound in
      let writing = Task {
        for _ in 0..<8 { try await outbound.write(Self.frame([0] + [UInt8](repeating: 7, count: size / 8))) }
        try await outbound.write(Self.frame([0xFF, 0]))
      }
      let (bytes, _) = try await Self.rest(&iterator)
      try await writing.value
      #expect(bytes[1]?.count == size && bytes[1]?.allSatisfy { $0 == 7 } == true)
      let success: JSONValue = ["metadata": [:], "status": "Success"]
      #expect(bytes[3] == success.serialized())
    }
  }

  @Test func aClientThatLeavesEndsTheCommand() async throws {
    let pid = Witness()
    try await withClient(ExecRequest(command: ["sh", "-c", "echo $$; exec sleep 1000"])) { iterator, _ in
      _ = try await iterator.next()
      let text =
        try await iterator.next().map { String(decoding: $0.unmaskedData.readableBytesView.dropFirst(), as: UTF8.self) }
        ?? ""
      await pid.set(Int32(text.filter(\.isNumber)) ?? 0)
    }
    let number = await pid.value
    #expect(number > 0)
    #expect(try await eventually { kill(number, 0) != 0 })
  }

  private actor Witness {
    private(set) var value: Int32 = 0
    func set(_ value: Int32) { self.value = value }
  }
}
