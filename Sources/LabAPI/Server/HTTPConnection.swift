import NIOCore
import NIOHTTP1
import NIOSSL

/// One HTTP/1.1 connection: requests in, answers out, one after the other.
struct HTTPConnection: Sendable {
  typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

  /// Kubernetes' limit for a request's body.
  private static let bodyLimit = 3 * 1024 * 1024

  let channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
  let api: APIServer

  func serve() async throws {
    try await channel.executeThenClose { inbound, outbound in
      var current: HTTPRequestHead?
      var body: [UInt8] = []
      for try await part in inbound {
        switch part {
        case .head(let head):
          current = head
          body = []
          if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
          }
        case .body(let buffer):
          // Read and drop bytes over the limit, so that the client gets the answer.
          if body.count <= Self.bodyLimit { body.append(contentsOf: buffer.readableBytesView) }
        case .end:
          guard let head = current else { return }
          try await answer(head, body, outbound)
          if !head.isKeepAlive { return }
        }
      }
    }
  }

  private func answer(_ head: HTTPRequestHead, _ body: [UInt8], _ outbound: Outbound) async throws {
    let certificate = try await channel.channel.nioSSL_peerCertificate().get()
    let user = api.authenticator.user(certificate: certificate, headers: head.headers)
    let request = APIRequest(head: head, body: body, user: user)
    let tooLarge = StatusError(413, "RequestEntityTooLarge", "Request entity too large: limit is \(Self.bodyLimit)")
    let response = body.count > Self.bodyLimit ? APIResponse(tooLarge) : await api.respond(to: request)
    api.logger.debug(
      "request",
      metadata: [
        "method": "\(head.method.rawValue)", "uri": "\(head.uri)", "code": "\(response.code)", "user": "\(user.name)",
      ])
    try await send(response, isHead: head.method == .HEAD, outbound)
  }

  private func send(_ response: APIResponse, isHead: Bool, _ outbound: Outbound) async throws {
    var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: response.code))
    head.headers.add(name: "content-type", value: response.contentType)
    head.headers.add(name: "cache-control", value: "no-cache, private")
    switch response.body {
    case .bytes(let bytes):
      head.headers.add(name: "content-length", value: String(bytes.count))
      let content: [HTTPServerResponsePart] =
        isHead || bytes.isEmpty ? [] : [.body(.byteBuffer(ByteBuffer(bytes: bytes)))]
      try await outbound.write(contentsOf: [.head(head)] + content + [.end(nil)])
    case .stream(let produce):
      try await outbound.write(.head(head))
      try await run { try await produce(ChunkWriter(outbound: outbound)) }
      try await outbound.write(.end(nil))
    }
  }

  /// Runs a producer that ends early when the client leaves: it may be waiting for something that never comes.
  private func run(_ produce: @escaping @Sendable () async throws -> Void) async throws {
    let task = Task { try await produce() }
    channel.channel.closeFuture.whenComplete { _ in task.cancel() }
    try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }
}

private struct ChunkWriter: BodyWriter {
  let outbound: HTTPConnection.Outbound

  func write(_ bytes: [UInt8]) async throws {
    try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
  }
}
