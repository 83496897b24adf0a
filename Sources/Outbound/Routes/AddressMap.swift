/// Ranges of the cluster that are in use on the host too, and have other addresses there: same length,
/// the bits behind the prefix unchanged.
public struct AddressMap: Sendable, Hashable {
  public struct Entry: Sendable, Hashable, CustomStringConvertible {
    /// The range in the cluster.
    public let real: CIDR
    /// The range on the host.
    public let alias: CIDR

    /// Nil unless both are IPv4 ranges of one length.
    public init?(real: CIDR, alias: CIDR) {
      guard real.length == alias.length, !real.address.isIPv6, !alias.address.isIPv6 else { return nil }
      self.real = real
      self.alias = alias
    }

    public var description: String { "\(real) as \(alias)" }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry] = []) { self.entries = entries }

  public var isEmpty: Bool { entries.isEmpty }

  /// Returns the host's address for a cluster's address.
  func alias(of address: IPAddress) -> IPAddress {
    guard let entry = entries.first(where: { $0.real.contains(address) }) else { return address }
    return address.moved(to: entry.alias)
  }

  /// Returns the cluster's address for an address that the host uses.
  func real(of address: IPAddress) -> IPAddress {
    guard let entry = entries.first(where: { $0.alias.contains(address) }) else { return address }
    return address.moved(to: entry.real)
  }
}

extension IPAddress {
  /// Returns the same bits behind another prefix; for IPv4.
  fileprivate func moved(to range: CIDR) -> IPAddress {
    let prefix: UInt64 = range.length == 0 ? 0 : .max << UInt64(64 - range.length)
    return IPAddress(high: range.address.high & prefix | high & ~prefix, low: 0, isIPv6: false)
  }
}
