import CLinux

/// An IP address as a key: cheap to hash and to compare. An IPv4 address mapped into IPv6 (RFC 4291
/// section 2.5.5.2) is the IPv4 address.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// The 128 bits; an IPv4 address is in the upper 32 of `high`.
  let high: UInt64
  let low: UInt64
  public let isIPv6: Bool

  init(high: UInt64, low: UInt64, isIPv6: Bool) {
    if isIPv6, high == 0, low >> 32 == 0xffff {
      self.high = low << 32
      self.low = 0
      self.isIPv6 = false
    } else {
      self.high = high
      self.low = low
      self.isIPv6 = isIPv6
    }
  }

  /// - Parameter bytes: 4 or 16, in network order; nil otherwise.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      if index < 8 {
        high |= UInt64(byte) << UInt64(56 - 8 * index)
      } else {
        low |= UInt64(byte) << UInt64(56 - 8 * (index - 8))
      }
    }
    self.init(high: high, low: low, isIPv6: bytes.count == 16)
  }

  /// Nil if the address has no family.
  public init?(_ address: clinux_address) {
    guard address.family == 4 || address.family == 6 else { return nil }
    let own: IPAddress? = withUnsafeBytes(of: address.bytes) {
      IPAddress(bytes: $0.prefix(address.family == 4 ? 4 : 16))
    }
    guard let own else { return nil }
    self = own
  }

  /// Parses `10.0.0.1` or `::1`; nil for anything else.
  public init?(parsing text: String) {
    var address = clinux_address()
    guard clinux_parse_address(text, &address) == 0 else { return nil }
    self.init(address)
  }

  /// The 4 or 16 bytes, in network order.
  public var bytes: [UInt8] {
    (0..<(isIPv6 ? 16 : 4)).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 % 8))) }
  }

  /// For the system calls.
  public func socketAddress(port: UInt16) -> clinux_address {
    var address = clinux_address()
    address.family = isIPv6 ? 6 : 4
    address.port = port
    let bytes = bytes
    withUnsafeMutableBytes(of: &address.bytes) { $0.copyBytes(from: bytes) }
    return address
  }

  public var description: String {
    var address = socketAddress(port: 0)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      clinux_format_address(&address, text.baseAddress!, 64)
      return String(cString: text.baseAddress!)
    }
  }

  public static let loopback = IPAddress(high: 0x7f00_0001_0000_0000, low: 0, isIPv6: false)
}

/// An address and a port.
public struct IPEndpoint: Sendable, Hashable, CustomStringConvertible {
  public let address: IPAddress
  public let port: UInt16

  public init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  public init?(_ address: clinux_address) {
    guard let own = IPAddress(address) else { return nil }
    self.init(own, port: address.port)
  }

  public var socketAddress: clinux_address { address.socketAddress(port: port) }
  public var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
