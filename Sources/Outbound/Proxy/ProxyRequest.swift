import TunnelProtocol

/// A proxy client's complete request.
struct ProxyRequest {
  let host: String
  let port: UInt16
  /// Bytes for the destination that were read already.
  let backlog: [UInt8]
  /// The client's answer for an outcome.
  let reply: (StreamStatus) -> [UInt8]
  let isHTTP: Bool
}

/// The step after more bytes of a client.
enum ProxyStep {
  /// The request is not complete.
  case more
  /// Answer, and drop that many bytes.
  case answer([UInt8], taken: Int)
  case request(ProxyRequest)
  /// Answer, and close.
  case reject([UInt8])
}
