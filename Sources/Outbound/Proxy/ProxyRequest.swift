import TunnelProtocol

/// What a proxy's client wants, once all of it has arrived.
struct ProxyRequest {
  let host: String
  let port: UInt16
  /// The destination's, and was read already.
  let backlog: [UInt8]
  /// What the client is told of the outcome.
  let reply: (StreamStatus) -> [UInt8]
  let isHTTP: Bool
}

/// What to do after more bytes of a client.
enum ProxyStep {
  /// The request is not complete.
  case more
  /// Answer, and forget so many bytes.
  case answer([UInt8], taken: Int)
  case request(ProxyRequest)
  /// Answer, and close.
  case reject([UInt8])
}
