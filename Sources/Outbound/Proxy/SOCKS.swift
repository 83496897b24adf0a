import TunnelProtocol

/// SOCKS as a function of the bytes so far. Versions 5 (RFC 1928, CONNECT alone; with name and password by RFC 1929 if
/// required) and 4 with names (4a), which has no password.
struct SOCKS {
  private let credentials: ProxyCredentials?

  private enum Stage {
    case greeting, authentication, request
  }
  private var stage = Stage.greeting

  private enum Method {
    static let none: UInt8 = 0, password: UInt8 = 2, noneFits: UInt8 = 0xff
  }

  init(credentials: ProxyCredentials? = nil) { self.credentials = credentials }

  private enum Reply {
    static let succeeded: UInt8 = 0, general: UInt8 = 1, notAllowed: UInt8 = 2, unreachable: UInt8 = 4,
      refused: UInt8 = 5, expired: UInt8 = 6
    static let noCommand: UInt8 = 7, noAddressType: UInt8 = 8
  }

  /// True once the client has begun: all further bytes are SOCKS, whatever the first one is.
  var isUnderWay: Bool { stage != .greeting }

  /// - Parameter bytes: not empty; at the beginning the first is 4 or 5.
  mutating func step(_ bytes: [UInt8]) -> ProxyStep {
    switch stage {
    case .greeting where bytes[0] == 4: credentials == nil ? Self.version4(bytes) : .reject(Self.reply4(false))
    case .greeting: greeting(bytes)
    case .authentication: authentication(bytes)
    case .request: Self.request(bytes)
    }
  }

  /// Takes the greeting (RFC 1928 section 3).
  private mutating func greeting(_ bytes: [UInt8]) -> ProxyStep {
    guard bytes.count >= 2, bytes.count >= 2 + Int(bytes[1]) else { return .more }
    let end = 2 + Int(bytes[1])
    let method = credentials == nil ? Method.none : Method.password
    guard bytes[2..<end].contains(method) else { return .reject([5, Method.noneFits]) }
    stage = credentials == nil ? .request : .authentication
    return .answer([5, method], taken: end)
  }

  /// Takes name and password (RFC 1929 section 2).
  private mutating func authentication(_ bytes: [UInt8]) -> ProxyStep {
    guard bytes[0] == 1 else { return .reject([1, 1]) }
    guard bytes.count >= 2, case let userEnd = 2 + Int(bytes[1]), bytes.count > userEnd else { return .more }
    let end = userEnd + 1 + Int(bytes[userEnd])
    guard bytes.count >= end else { return .more }
    guard let credentials, credentials.allows(user: bytes[2..<userEnd], password: bytes[(userEnd + 1)..<end]) else {
      return .reject([1, 1])
    }
    stage = .request
    return .answer([1, 0], taken: end)
  }

  /// Takes the request (RFC 1928 section 4).
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
    let host =
      bytes[3] == 3
      ? String(decoding: address.dropFirst(), as: UTF8.self) : IPAddress(bytes: address)?.description ?? ""
    let port = DNSMessage.load16(bytes, 4 + length)
    guard !host.isEmpty, port > 0 else { return .reject(reply(Reply.general)) }
    return .request(
      ProxyRequest(
        host: host, port: port, backlog: Array(bytes[(4 + length + 2)...]), reply: { reply(code($0)) }, isHTTP: false))
  }

  /// Returns a reply without the bound address, which belongs to the agent (RFC 1928 section 6).
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
    return .request(
      ProxyRequest(
        host: host, port: port, backlog: Array(bytes[end...]), reply: { reply4($0 == .connected) }, isHTTP: false))
  }

  private static func reply4(_ granted: Bool) -> [UInt8] { [0, granted ? 90 : 91, 0, 0, 0, 0, 0, 0] }
}
