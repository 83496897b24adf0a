import NIOCore
import NIOPosix

/// Probes over the network, from the node's namespace, as a kubelet's come from its node.
struct NetworkProbe: Sendable {
  let node: NodeEventLoop

  func connect(_ address: String, _ port: UInt16, timeout: Duration) async -> ProbeResult {
    do {
      try await channel(address, port, timeout) { _ in }.close()
      return .success
    } catch { return .failure(Self.reason(error, address, port)) }
  }

  /// - Returns: success for a status from 200 to 399.
  func get(_ address: String, _ port: UInt16, path: String, headers: [String], timeout: Duration) async -> ProbeResult {
    let url = "http://\(address):\(port)\(path.hasPrefix("/") ? path : "/" + path)"
    var lines = ["GET \(path.hasPrefix("/") ? path : "/" + path) HTTP/1.1"] + headers
    if !headers.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: \(address):\(port)") }
    lines += ["User-Agent: kube-probe/lab", "Accept: */*", "Connection: close", "", ""]
    let request = lines.joined(separator: "\r\n")
    let status = node.loop.makePromise(of: Int.self)
    do {
      let channel: any Channel
      do {
        channel = try await self.channel(address, port, timeout) {
          try $0.pipeline.syncOperations.addHandler(StatusLine(status))
        }
      } catch {
        status.fail(error)
        return .failure("Get \"\(url)\": \(Self.reason(error, address, port))")
      }
      let clock = node.loop.scheduleTask(in: TimeAmount(timeout)) { status.fail(ProbeTimeout()) }
      channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
      defer {
        clock.cancel()
        channel.close(promise: nil)
      }
      let code = try await status.futureResult.get()
      return (200..<400).contains(code) ? .success : .failure("HTTP probe failed with statuscode: \(code)")
    } catch is ProbeTimeout {
      return .failure("Get \"\(url)\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
    } catch { return .failure("Get \"\(url)\": \(error)") }
  }

  private func channel(
    _ address: String, _ port: UInt16, _ timeout: Duration, _ prepare: @escaping @Sendable (any Channel) throws -> Void
  )
    async throws
    -> any Channel
  {
    let remote = try SocketAddress(ipAddress: address, port: Int(port))
    return try await node.open { loop in
      ClientBootstrap(group: loop).connectTimeout(TimeAmount(timeout)).channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try prepare(channel) }
      }.connect(to: remote)
    }
  }

  private static func reason(_ error: any Error, _ address: String, _ port: UInt16) -> String {
    let words =
      switch error {
      case let error as IOError: Files.reason(error.errnoCode).lowercased()
      case ChannelError.connectTimeout: "i/o timeout"
      default: "\(error)"
      }
    return "dial tcp \(address):\(port): connect: \(words)"
  }
}

private struct ProbeTimeout: Error {}

/// Reads the status code out of a response's first line, and nothing more.
private final class StatusLine: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let status: EventLoopPromise<Int>
  private var line: [UInt8] = []
  private var isDone = false

  init(_ status: EventLoopPromise<Int>) { self.status = status }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDone else { return }
    line += unwrapInboundIn(data).readableBytesView.prefix(256)
    guard line.contains(10) || line.count >= 256 else { return }
    let fields = String(decoding: line.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self).split(separator: " ")
    if fields.count >= 2, fields[0].hasPrefix("HTTP/1."), let code = Int(fields[1]) {
      finish(.success(code))
    } else {
      finish(.failure(LabNodeError(.commandFailed, "malformed HTTP response")))
    }
  }

  func channelInactive(context: ChannelHandlerContext) { finish(.failure(LabNodeError(.commandFailed, "EOF"))) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    finish(.failure(error))
    context.close(promise: nil)
  }

  private func finish(_ result: Result<Int, any Error>) {
    guard !isDone else { return }
    isDone = true
    status.completeWith(result)
  }
}
