/// Addresses and routes of the loopback interface, see rtnetlink(7).
extension NetlinkBatch {
  private static let loopback: UInt32 = 1
  private static let inet: UInt8 = 2

  /// Adds `address`/32 on lo.
  mutating func addAddress(_ address: IPv4Address) {
    // struct ifaddrmsg: family, prefix length, flags, scope, interface.
    request(
      "give lo the address \(address)", type: 20, flags: [.create, .exclusive, .acknowledge],
      header: [Self.inet, 32, 0, 0, 1, 0, 0, 0]
    ) {
      $0.attribute(2, address.bytes)  // IFA_LOCAL
      $0.attribute(1, address.bytes)  // IFA_ADDRESS
    }
  }

  /// Adds `local 0.0.0.0/0 dev lo`: every address is one of this namespace (AnyIP), and packets leave from `source`.
  mutating func addLocalDefaultRoute(source: IPv4Address) {
    // struct rtmsg: family, two prefix lengths, tos, table main, protocol static, scope host, type local, flags.
    let header: [UInt8] = [Self.inet, 0, 0, 0, 254, 4, 254, 2, 0, 0, 0, 0]
    request("route every address to lo", type: 24, flags: [.create, .exclusive, .acknowledge], header: header) {
      $0.attribute(4, host: Self.loopback)  // RTA_OIF
      $0.attribute(7, source.bytes)  // RTA_PREFSRC
    }
  }
}
