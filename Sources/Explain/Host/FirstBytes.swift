/// The first bytes that a process answered.
public enum HostReply: Sendable, Hashable {
  /// HTTP/1, with its status, and whether its text says that the port wants TLS.
  case http(status: Int, wantsTLS: Bool)
  /// Frames of HTTP/2.
  case http2
  /// A record of TLS: a handshake, or an alert.
  case tls
  /// Something else; its beginning.
  case other(String)
  /// It closed the connection without a byte.
  case closed
  /// It sent nothing in time; seconds.
  case silent(Double)

  /// - Parameter bytes: what came, at most some KB; empty if the process closed the connection.
  public init(_ bytes: [UInt8]) {
    if bytes.isEmpty {
      self = .closed
    } else if bytes.starts(with: Array("HTTP/1.".utf8)) {
      let text = String(decoding: bytes, as: UTF8.self)
      let words = text.prefix { !$0.isNewline }.split(separator: " ")
      let lower = text.lowercased()
      // The words of Go's net/http, of nginx and of Apache.
      let wantsTLS = ["https port", "https server", "speaking plain http to an ssl"].contains { lower.contains($0) }
      self = .http(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, wantsTLS: wantsTLS)
    } else if bytes.count >= 3, [0x15, 0x16].contains(bytes[0]), bytes[1] == 3, bytes[2] <= 4 {
      // RFC 8446, section 5.1: an alert or a handshake.
      self = .tls
    } else if bytes.count >= 9, bytes[0] == 0, bytes[3] == 4 || bytes[3] == 7, bytes[5...8].allSatisfy({ $0 == 0 }) {
      // RFC 9113, section 4.1: SETTINGS or GOAWAY on stream 0.
      self = .http2
    } else {
      self = .other(String(decoding: bytes.prefix { $0 >= 0x20 && $0 < 0x7f }.prefix(40), as: UTF8.self))
    }
  }
}

extension HostReply {
  /// The first message of a TLS client (RFC 8446, section 4.1.2), without the name of a server: enough to see whether
  /// a port speaks TLS.
  public static var clientHello: [UInt8] {
    let ciphers: [UInt8] = [0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x30, 0x00, 0x9c]
    let extensions: [UInt8] =
      [0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17]  // groups: x25519, secp256r1
      + [0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 8, 5]  // signatures: ECDSA and RSA with SHA-256, RSA with SHA-384
      + [0, 43, 0, 5, 4, 3, 4, 3, 3]  // versions 1.3 and 1.2
      + [0, 11, 0, 2, 1, 0]  // uncompressed points
      + [0, 51, 0, 2, 0, 0]  // no key share: the server asks for one
    let random = [UInt8](repeating: 0x64, count: 32)
    let body =
      [3, 3] + random + [0] + sized(ciphers) + [1, 0] + sized(extensions)
    let message = [1, 0] + sized(body)
    return [0x16, 3, 1] + sized(message)
  }

  private static func sized(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
  }
}
