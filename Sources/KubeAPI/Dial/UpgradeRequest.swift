#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The client's half of a WebSocket's opening handshake (RFC 6455, section 4.1).
struct UpgradeRequest: Sendable {
  let key: String
  let subprotocols: [String]
  /// Ready to be sent.
  let bytes: [UInt8]

  /// - Parameters:
  ///   - target: path and query, encoded, with the server URL's own path.
  ///   - headers: those that identify the user; a Host among them replaces `authority`.
  init(
    target: String, authority: String, headers: [(String, String)], subprotocols: [String],
    key: [UInt8] = Self.randomKey()
  ) throws(KubeError) {
    self.key = Data(key).base64EncodedString()
    self.subprotocols = subprotocols
    var lines = ["GET \(target) HTTP/1.1"]
    if !headers.contains(where: { $0.0 == "Host" }) { lines.append("Host: \(authority)") }
    lines += [
      "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(self.key)",
    ]
    if !subprotocols.isEmpty { lines.append("Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))") }
    lines += headers.map { "\($0): \($1)" }
    guard !lines.contains(where: { $0.utf8.contains { $0 < 32 && $0 != 9 } }) else {
      throw .transport(problem: "a header of the upgrade holds a line break")
    }
    bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  static func randomKey() -> [UInt8] { (0..<16).map { _ in UInt8.random(in: .min ... .max) } }

  /// The proof that the server has read the key (RFC 6455, section 4.2.2).
  var accept: String { Data(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString() }

  /// Judges the head of an answer with status 101.
  /// - Returns: the chosen subprotocol, nil if none was offered.
  func verify(_ head: HTTPResponseHead, server: String) throws(KubeError) -> String? {
    func bad(_ problem: String) -> KubeError {
      .badResponse(server: server, problem: "the upgrade to WebSocket: \(problem)")
    }
    guard head.header("upgrade")?.lowercased() == "websocket" else {
      throw bad("the answer has no 'Upgrade: websocket'")
    }
    guard head.header("connection")?.lowercased().contains("upgrade") == true else {
      throw bad("the answer has no 'Connection: Upgrade'")
    }
    guard head.header("sec-websocket-accept")?.trimmed == accept else {
      throw bad("Sec-WebSocket-Accept does not fit the key")
    }
    guard let chosen = head.header("sec-websocket-protocol")?.trimmed else {
      // Kubernetes then uses the channel protocol without a name, which was not offered.
      if subprotocols.isEmpty { return nil }
      throw bad("none of the subprotocols \(subprotocols.joined(separator: ", ")) was taken")
    }
    guard subprotocols.contains(chosen) else { throw bad("the subprotocol '\(chosen)' was not offered") }
    return chosen
  }
}
