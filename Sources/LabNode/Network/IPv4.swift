/// An IPv4 address as a number in host byte order.
struct IPv4Address: Hashable, Comparable, Sendable, CustomStringConvertible {
  var number: UInt32

  init(number: UInt32) { self.number = number }

  /// Four decimal numbers of at most 255 between dots; nil for anything else.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    number = 0
    for part in parts {
      guard part.count <= 3, part.allSatisfy({ $0.isASCII && $0.isNumber }), let byte = UInt8(part) else { return nil }
      number = number << 8 | UInt32(byte)
    }
  }

  var bytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
  var description: String { bytes.map(String.init).joined(separator: ".") }
  static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// An address with the length of its network's prefix, `10.97.0.1/16`.
struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
  var address: IPv4Address
  var prefix: Int

  /// - Throws: `configuration`, naming the text.
  init(_ text: String) throws {
    let parts = text.split(separator: "/")
    guard parts.count == 2, let address = IPv4Address(parts[0]), let prefix = Int(parts[1]), (8...30).contains(prefix)
    else {
      throw LabNodeError(.configuration, "\(text) is not an IPv4 network: write it like 10.97.0.1/16")
    }
    self.address = address
    self.prefix = prefix
  }

  var mask: UInt32 { UInt32.max << (32 - prefix) }
  var first: IPv4Address { IPv4Address(number: address.number & mask) }
  var last: IPv4Address { IPv4Address(number: address.number | ~mask) }
  /// The network itself, without the host's part.
  var cidr: String { "\(first)/\(prefix)" }
  var description: String { "\(address)/\(prefix)" }
  func contains(_ other: IPv4Address) -> Bool { other.number & mask == first.number }
}

/// Hands out a network's addresses in turn: an address that was given back rests until the others had theirs, since
/// connections and caches may still mean the old owner.
struct AddressPool: Sendable {
  private let network: IPv4Network
  private var taken: Set<IPv4Address>
  private var next: UInt32

  /// - Parameter reserved: addresses never handed out, beside the network's first and last.
  init(_ network: IPv4Network, reserved: Set<IPv4Address>) {
    self.network = network
    taken = reserved.union([network.first, network.last])
    next = network.first.number
  }

  /// - Throws: `addressesExhausted`.
  mutating func take() throws -> IPv4Address {
    for _ in network.first.number...network.last.number {
      next = next >= network.last.number ? network.first.number : next + 1
      if taken.insert(IPv4Address(number: next)).inserted { return IPv4Address(number: next) }
    }
    throw LabNodeError(
      .addressesExhausted,
      "the Pod network \(network.cidr) has no free address: delete Pods or configure a larger network")
  }

  mutating func giveBack(_ address: IPv4Address) { taken.remove(address) }
}
