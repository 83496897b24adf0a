/// Finds unused addresses.
public enum FreeRange {
  /// The ranges to search, in this order: the half of RFC 2544's range without `host.devtunnel.internal`, shared
  /// address space (RFC 6598), RFC 1918.
  public static let places = ["198.19.0.0/16", "100.64.0.0/10", "172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16"]
    .compactMap { try? CIDR(parsing: $0) }

  /// - Parameters:
  ///   - length: of the prefix, 1 to 32.
  ///   - taken: ranges to avoid.
  /// - Returns: the first free range of this length; nil if there is none.
  public static func find(length: Int, within places: [CIDR] = places, taken: [CIDR]) -> CIDR? {
    for place in places where place.length <= length && !place.address.isIPv6 {
      var candidate = CIDR(place.address, length: length)
      while place.contains(candidate.address) {
        guard let obstacle = taken.first(where: { $0.overlaps(candidate) }) else { return candidate }
        // Continue behind the obstacle, which may be larger than the wanted range.
        let step = UInt64(1) << UInt64(64 - min(obstacle.length, length))
        let (next, overflow) = (obstacle.length < length ? obstacle.address.high : candidate.address.high)
          .addingReportingOverflow(step)
        guard !overflow else { break }
        candidate = CIDR(IPAddress(high: next, low: 0, isIPv6: false), length: length)
      }
    }
    return nil
  }
}

extension CIDR {
  /// Checks whether the two have an address in common.
  public func overlaps(_ other: CIDR) -> Bool { contains(other.address) || other.contains(address) }
}
