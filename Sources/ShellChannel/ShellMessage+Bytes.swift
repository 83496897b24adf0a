import CLinux

/// The bytes of each message; descriptors travel beside them, in the order tcp, udp, icmp, then udp and
/// tcp of each DNS address.
extension ShellMessage {
  /// No message is longer.
  static let maximumLength = 1024
  /// No message carries more descriptors.
  static let maximumDescriptors = 35

  private enum Kind: UInt8 {
    case hello = 1
    case exiting, mint, minted, bye, welcome, refused
  }

  private static let hasICMP: UInt8 = 1
  private static let hasUDP: UInt8 = 2

  // MARK: Encoding

  var bytes: [UInt8] {
    switch self {
    case .hello(let hello):
      let flags = (hello.icmp == nil ? 0 : Self.hasICMP) | (hello.udp == nil ? 0 : Self.hasUDP)
      return [Kind.hello.rawValue, ShellHello.version, hello.mode.rawValue] + hello.id.utf8 + Self.four(hello.pid) + [
        UInt8(hello.dns.count), flags,
      ]
    case .exiting(let code): return [Kind.exiting.rawValue] + Self.four(UInt32(bitPattern: code))
    case .mint(let request, let socket): return [Kind.mint.rawValue] + Self.four(request) + Self.bytes(of: socket)
    case .minted(let request, let errno, _):
      return [Kind.minted.rawValue] + Self.four(request) + Self.four(UInt32(bitPattern: errno))
    case .bye: return [Kind.bye.rawValue]
    case .welcome: return [Kind.welcome.rawValue]
    case .refused(let text): return [Kind.refused.rawValue] + Array(text.utf8.prefix(Self.maximumLength - 1))
    }
  }

  var descriptors: [PassedDescriptor] {
    switch self {
    case .hello(let hello):
      [hello.tcp] + [hello.udp, hello.icmp].compactMap { $0 } + hello.dns.flatMap { [$0.udp, $0.tcp] }
    case .minted(_, _, let socket): socket.map { [$0] } ?? []
    default: []
    }
  }

  private static func four(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func bytes(of socket: MintedSocket) -> [UInt8] {
    switch socket {
    case .tcp(let family): return [1, family, 0, 0] + [UInt8](repeating: 0, count: 16)
    case .udp(let address):
      let raw = withUnsafeBytes(of: address.bytes) { Array($0) }
      return [2, address.family, UInt8(address.port >> 8), UInt8(truncatingIfNeeded: address.port)] + raw
    }
  }

  // MARK: Decoding

  /// - Throws: `.malformed`; the descriptors close with their last reference.
  init(bytes: [UInt8], descriptors: [PassedDescriptor]) throws(ShellChannelError) {
    guard let first = bytes.first, let kind = Kind(rawValue: first) else {
      throw .malformed(bytes.isEmpty ? "an empty message" : "a message of unknown kind \(bytes[0])")
    }
    var fields = Fields(rest: bytes.dropFirst())
    switch kind {
    case .hello: self = try .hello(Self.hello(&fields, descriptors))
    case .exiting: self = .exiting(code: Int32(bitPattern: try fields.four()))
    case .mint: self = .mint(request: try fields.four(), try Self.socket(&fields))
    case .minted:
      let request = try fields.four()
      let errno = Int32(bitPattern: try fields.four())
      guard descriptors.count == (errno == 0 ? 1 : 0) else {
        throw .malformed("an answer with \(descriptors.count) sockets and errno \(errno)")
      }
      self = .minted(request: request, errno: errno, descriptors.first)
    case .bye: self = .bye
    case .welcome: self = .welcome
    case .refused: self = .refused(fields.text())
    }
    guard fields.rest.isEmpty else { throw .malformed("a message of kind \(first) that is too long") }
    if kind != .hello, kind != .minted, !descriptors.isEmpty {
      throw .malformed("descriptors with a message of kind \(first)")
    }
  }

  private static func hello(_ fields: inout Fields, _ descriptors: [PassedDescriptor]) throws(ShellChannelError)
    -> ShellHello
  {
    let version = try fields.one()
    guard version == ShellHello.version else {
      throw .malformed("version \(version) where \(ShellHello.version) is spoken")
    }
    let modeByte = try fields.one()
    guard let mode = ShellHello.Mode(rawValue: modeByte) else { throw .malformed("the unknown mode \(modeByte)") }
    let id = try fields.bytes(ShellHello.idLength)
    guard id.allSatisfy(isHexDigit) else { throw .malformed("an id that is not hexadecimal") }
    let pid = try fields.four()
    let count = Int(try fields.one())
    let flags = try fields.one()
    var left = descriptors[...]
    let expected = 1 + (flags & hasUDP == 0 ? 0 : 1) + (flags & hasICMP == 0 ? 0 : 1) + 2 * count
    guard left.count == expected, let tcp = left.popFirst() else {
      throw .malformed("\(descriptors.count) sockets where \(expected) were said")
    }
    let udp = flags & hasUDP == 0 ? nil : left.popFirst()
    let icmp = flags & hasICMP == 0 ? nil : left.popFirst()
    let dns = stride(from: left.startIndex, to: left.endIndex, by: 2).map {
      ShellHello.DNSSockets(udp: left[$0], tcp: left[$0 + 1])
    }
    return ShellHello(
      mode: mode, id: String(decoding: id, as: UTF8.self), pid: pid, tcp: tcp, udp: udp, icmp: icmp, dns: dns)
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
  }

  private static func socket(_ fields: inout Fields) throws(ShellChannelError) -> MintedSocket {
    let kind = try fields.one()
    var address = clinux_address()
    address.family = try fields.one()
    address.port = UInt16(try fields.one()) << 8 | UInt16(try fields.one())
    let raw = try fields.bytes(16)
    withUnsafeMutableBytes(of: &address.bytes) { $0.copyBytes(from: raw) }
    guard address.family == 4 || address.family == 6 else {
      throw .malformed("the unknown address family \(address.family)")
    }
    switch kind {
    case 1: return .tcp(family: address.family)
    case 2: return .udp(boundTo: address)
    default: throw .malformed("the unknown kind of socket \(kind)")
    }
  }

  private struct Fields {
    var rest: ArraySlice<UInt8>

    mutating func bytes(_ count: Int) throws(ShellChannelError) -> ArraySlice<UInt8> {
      guard rest.count >= count else { throw .malformed("a message that is too short") }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }

    mutating func one() throws(ShellChannelError) -> UInt8 { try bytes(1).first ?? 0 }
    mutating func four() throws(ShellChannelError) -> UInt32 { try bytes(4).reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func text() -> String {
      defer { rest = [] }
      return String(decoding: rest, as: UTF8.self)
    }
  }
}
