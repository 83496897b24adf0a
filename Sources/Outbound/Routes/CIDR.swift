/// A range of addresses (RFC 4632).
public struct CIDR: Sendable, Hashable, CustomStringConvertible {
  public let address: IPAddress
  /// The number of bits that must agree.
  public let length: Int
  private let highMask: UInt64
  private let lowMask: UInt64

  /// - Parameter length: 0 to 32, or to 128 for IPv6; bits of `address` beyond it are dropped.
  init(_ address: IPAddress, length: Int) {
    self.length = length
    highMask = length >= 64 ? .max : length == 0 ? 0 : .max << UInt64(64 - length)
    lowMask = length <= 64 ? 0 : length == 128 ? .max : .max << UInt64(128 - length)
    self.address = IPAddress(high: address.high & highMask, low: address.low & lowMask, isIPv6: address.isIPv6)
  }

  /// A range of one address.
  public init(_ address: IPAddress) { self.init(address, length: address.isIPv6 ? 128 : 32) }

  /// Parses `10.0.0.0/8`, `fd00::/8`, or one address.
  /// - Throws: `OutboundError` that names the text.
  public init(parsing text: String) throws(OutboundError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = IPAddress(parsing: String(parts[0])) else {
      throw OutboundError(
        .badCIDR, "'\(text)' is no range of addresses",
        remedy: "Write it like 10.0.0.0/8, 203.0.113.7 or 2001:db8::/32.")
    }
    let longest = address.isIPv6 ? 128 : 32
    guard parts.count == 2 else {
      self.init(address, length: longest)
      return
    }
    guard let length = Int(parts[1]), parts[1].allSatisfy({ $0.isASCII && $0.isNumber }), length <= longest else {
      throw OutboundError(
        .badCIDR, "'\(text)' has no prefix length of 0 to \(longest)", remedy: "Write it like \(address)/\(longest).")
    }
    self.init(address, length: length)
    guard self.address == address else {
      throw OutboundError(.badCIDR, "'\(text)' has bits beyond its prefix length", remedy: "Did you mean \(self)?")
    }
  }

  public func contains(_ other: IPAddress) -> Bool {
    other.isIPv6 == address.isIPv6 && other.high & highMask == address.high && other.low & lowMask == address.low
  }

  public var description: String { "\(address)/\(length)" }
}
