import Foundation
import HTTPTestSupport
import KubeObjects
import Testing

@testable import KubeAPI

@Suite(.timeLimit(.minutes(1))) struct DialTests {
  private static func accept(_ request: HTTPTestServer.Request) -> String {
    let text = (request.headers["sec-websocket-key"] ?? "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return Data(sha1(Array(text.utf8))).base64EncodedString()
  }

  private static func upgrade(
    _ request: HTTPTestServer.Request, _ connection: HTTPTestServer.Connection, protocol name: String,
    then text: String = ""
  ) {
    connection.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: \(accept(request))\r\n"
        + "Sec-WebSocket-Protocol: \(name)\r\n\r\n\(text)")
  }

  @Test func upgradesAndCarriesBytes() async throws {
    try await withServer(credentials: CredentialSource(Credentials(bearerToken: "secret"))) { request, connection in
      Self.upgrade(request, connection, protocol: "v4.channel.k8s.io", then: "early")
      var bytes = [UInt8](repeating: 0, count: 5)
      var count = 0
      while count < 5 {
        let more = bytes.withUnsafeMutableBytes { recv(connection.socket, $0.baseAddress! + count, 5 - count, 0) }
        guard more > 0 else { return }
        count += more
      }
      connection.write(bytes.reversed())
      connection.cut()
    } _: { client, server in
      let connection = try await client.dialWebSocket(
        path: "/api/v1/namespaces/n/pods/p/portforward", query: [("ports", "80")],
        subprotocols: ["SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"])
      #expect(connection.subprotocol == "v4.channel.k8s.io")
      #expect(connection.socket >= 0)
      #expect(connection.send("hello", 5) == .sent(5))
      #expect(receive(connection) == "earlyolleh")
      let request = server.requests[0]
      #expect(request.target == "/api/v1/namespaces/n/pods/p/portforward?ports=80")
      #expect(request.headers["sec-websocket-version"] == "13" && request.headers["authorization"] == "Bearer secret")
      #expect(request.headers["sec-websocket-protocol"] == "SPDY/3.1+portforward.k8s.io, v4.channel.k8s.io")
      #expect(request.headers["host"] == "127.0.0.1:\(server.port)")
      connection.close()
      guard case .failed = connection.send("x", 1) else {
        Issue.record("a closed connection sends")
        return
      }
    }
  }

  /// All that comes until the server closes, what came behind the head first.
  private func receive(_ connection: UpgradedConnection) -> String {
    var all = connection.leftover
    var chunk = [UInt8](repeating: 0, count: 100)
    while true {
      switch chunk.withUnsafeMutableBytes({ connection.receive($0.baseAddress!, $0.count) }) {
      case .received(let count): all += chunk[..<count]
      case .again:
        var entry = pollfd(fd: connection.socket, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 5000) > 0 else { return "silence after \(all.count) bytes" }
      case .closed: return String(decoding: all, as: UTF8.self)
      case .failed(let error): return "\(error)"
      }
    }
  }

  @Test func aRefusalSaysWhichVerbsAreNeeded() async throws {
    try await withServer { request, connection in
      if request.path == "/empty" {
        connection.reply(403, body: [])
      } else {
        connection.failure(404, "NotFound", "pods \"p\" not found")
      }
    } _: { client, _ in
      let empty = await #expect(throws: KubeError.self) {
        try await client.dialWebSocket(path: "/empty", subprotocols: ["v4.channel.k8s.io"])
      }
      #expect(empty?.description.contains("'get' and 'create'") == true)
      let missing = await #expect(throws: KubeError.self) {
        try await client.dialWebSocket(path: "/missing", subprotocols: ["v4.channel.k8s.io"])
      }
      #expect(missing == .status(code: 404, reason: "NotFound", message: "pods \"p\" not found", details: nil))
    }
  }

  @Test func aChunkedRefusalIsRead() async throws {
    try await withServer { _, connection in
      connection.write("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
      connection.chunk(#"{"kind":"Status","#)
      connection.chunk(#""message":"in pieces"}"#)
      connection.endChunks()
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) {
        try await client.dialWebSocket(path: "/", subprotocols: ["a"])
      }
      #expect(error == .status(code: 500, reason: "", message: "in pieces", details: nil))
    }
  }

  /// Sizes that no sum may be made of.
  @Test(arguments: ["7fffffffffffffff", "7ffffffffffffffe", "ffffffffffffffffffff", "-1"]) func aChunkMaySayAnySize(
    size: String
  ) async throws {
    try await withServer { _, connection in
      connection.write("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n\(size)\r\nno\r\n0\r\n\r\n")
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) {
        try await client.dialWebSocket(path: "/", subprotocols: ["a"])
      }
      #expect(error?.isForbidden == true, "\(error as Any)")
    }
  }

  @Test(arguments: [
    """
    HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\
    Sec-WebSocket-Protocol: a\r\n\r\n
    """,
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n",
  ]) func anAnswerThatIsNotAWebSocketIsRefused(answer: String) async throws {
    try await withServer { _, connection in
      connection.write(answer)
      _ = connection.waitForClient()
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) {
        try await client.dialWebSocket(path: "/", subprotocols: ["a"])
      }
      guard case .badResponse = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }

  @Test func aProtocolThatWasNotOfferedIsRefused() async throws {
    try await withServer { request, connection in
      Self.upgrade(request, connection, protocol: "other")
    } _: { client, _ in
      await #expect(throws: KubeError.self) { try await client.dialWebSocket(path: "/", subprotocols: ["a"]) }
    }
  }

  @Test func silenceTimesOutAndCancellingEndsIt() async throws {
    try await withServer { _, connection in
      _ = connection.waitForClient()
    } _: { client, server in
      let dialer = Dialer(client.access, answerTimeout: .milliseconds(200))
      let error = await #expect(throws: KubeError.self) {
        try await dialer.dialWebSocket(path: "/", subprotocols: ["a"])
      }
      guard case .timedOut = error else {
        Issue.record("\(error as Any)")
        return
      }
      let task = Task { try await client.dialWebSocket(path: "/", subprotocols: ["a"]) }
      while server.requests.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
      task.cancel()
      let cancelled = await #expect(throws: KubeError.self) { try await task.value }
      #expect(cancelled == .cancelled)
    }
  }

  @Test func aTokenThatWasRevokedIsReadAgain() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)").path
    try "old\n".write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    try await withServer(credentials: CredentialSource(tokenFile: file)) { request, connection in
      if request.headers["authorization"] == "Bearer new" {
        Self.upgrade(request, connection, protocol: "a")
      } else {
        try? "new\n".write(toFile: file, atomically: true, encoding: .utf8)
        connection.failure(401, "Unauthorized", "Unauthorized")
      }
    } _: { client, _ in
      let connection = try await client.dialWebSocket(path: "/", subprotocols: ["a"])
      #expect(connection.subprotocol == "a")
    }
  }
}

@Suite struct HandshakeTests {
  /// FIPS 180-4 examples, and RFC 6455, section 1.3.
  @Test func hashes() throws {
    func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
    #expect(hex(sha1(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(hex(sha1([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    #expect(
      hex(sha1(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
        == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    let request = try UpgradeRequest(
      target: "/", authority: "a", headers: [], subprotocols: [], key: Array("the sample nonce".utf8))
    #expect(request.key == "dGhlIHNhbXBsZSBub25jZQ==" && request.accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test func headersCannotBeSmuggled() {
    #expect(throws: KubeError.self) {
      try UpgradeRequest(target: "/", authority: "a", headers: [("Authorization", "x\r\nEvil: y")], subprotocols: [])
    }
  }

  @Test func readsAnAnswerByteByByte() {
    var reader = ResponseReader()
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    let steps = answer.utf8.map { reader.read(CollectionOfOne($0)) }
    #expect(steps.dropLast().allSatisfy { $0 == .needsMore } && steps.last == .complete)
    #expect(reader.head?.status == 403 && reader.body == Array("no".utf8))
  }
}
