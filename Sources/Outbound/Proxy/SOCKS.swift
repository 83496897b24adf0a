import TunnelProtocol

/// SOCKS as a function of the bytes so far. Versions 5 (RFC 1928, without authentication, CONNECT alone) and 4 with names (4a).
struct SOCKS {
  private var isGreeted = false

  private enum Reply {
    static let succeeded: UInt8 = 0, general: UInt8 = 1, notAllowed: UInt8 = 2, unreachable: UInt8 = 4, refused: UInt8 = 5, expired: UInt8 = 6
    static let noCommand: UInt8 = 7, noAddressType: UInt8 = 8
  }

  /// - Parameter bytes: not empty; the first is 4 or 5.
  mutating func step(_ bytes: [UInt8]) -> ProxyStep {
    if bytes[0] == 4 { return Self.version4(bytes) }
    return isGreeted ? Self.request(bytes) : greeting(bytes)
  }

  /// RFC 1928 section 3.
  private mutating func greeting(_ bytes: [UInt8]) -> ProxyStep {
    guard bytes.count >= 2, bytes.count >= 2 + Int(bytes[1]) else { return .more }
    let end = 2 + Int(bytes[1])
    guard bytes[2..<end].contains(0) else { return .reject([5, 0xff]) }
    isGreeted = true
    return .answer([5, 0], taken: end)
  }

  /// RFC 1928 section 4.
  private static func request(_ bytes: [UInt8]) -> ProxyStep {
    guard bytes[0] == 5 else { return .reject(reply(Reply.general)) }
    guard bytes.count >= 5 else { return .more }
    let length: Int
    switch bytes[3] {
    case 1: length = 4
    case 3: length = Int(bytes[4]) + 1
    case 4: length = 16
    default: return .reject(reply(Reply.noAddressType))
    }
    guard bytes.count >= 4 + length + 2 else { return .more }
    guard bytes[1] == 1 else { return .reject(reply(Reply.noCommand)) }
    let address = bytes[4..<(4 + length)]
    let host = bytes[3] == 3 ? String(decoding: address.dropFirst(), as: UTF8.self) : IPAddress(bytes: address)?.description ?? ""
    let port = DNSMessage.load16(bytes, 4 + length)
    guard !host.isEmpty, port > 0 else { return .reject(reply(Reply.general)) }
    return .request(
      ProxyRequest(host: host, port: port, backlog: Array(bytes[(4 + length + 2)...]), reply: { reply(code($0)) }, isHTTP: false))
  }

  /// Without the bound address, which belongs to the agent (RFC 1928 section 6).
  private static func reply(_ code: UInt8) -> [UInt8] { [5, code, 0, 1, 0, 0, 0, 0, 0, 0] }

  private static func code(_ status: StreamStatus) -> UInt8 {
    switch status {
    case .connected: Reply.succeeded
    case .refused: Reply.refused
    case .timedOut: Reply.expired
    case .unreachable, .nameNotFound: Reply.unreachable
    case .notServed: Reply.notAllowed
    case .exhausted, .failed: Reply.general
    }
  }

  private static func version4(_ bytes: [UInt8]) -> ProxyStep {
    guard bytes.count >= 9, let userEnd = bytes[8...].firstIndex(of: 0) else { return .more }
    guard bytes[1] == 1 else { return .reject(reply4(false)) }
    var end = userEnd + 1
    var host = IPAddress(bytes: bytes[4..<8])?.description ?? ""
    if bytes[4..<7].allSatisfy({ $0 == 0 }), bytes[7] != 0 {
      guard let nameEnd = bytes[end...].firstIndex(of: 0) else { return .more }
      host = String(decoding: bytes[end..<nameEnd], as: UTF8.self)
      end = nameEnd + 1
    }
    let port = DNSMessage.load16(bytes, 2)
    guard !host.isEmpty, port > 0 else { return .reject(reply4(false)) }
    return .request(ProxyRequest(host: host, port: port, backlog: Array(bytes[end...]), reply: { reply4($0 == .connected) }, isHTTP: false))
  }

  private static func reply4(_ granted: Bool) -> [UInt8] { [0, granted ? 90 : 91, 0, 0, 0, 0, 0, 0] }
}
