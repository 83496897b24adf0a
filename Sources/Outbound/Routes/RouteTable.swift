/// The route to a destination.
public enum Route: Sendable, Equatable {
  /// By a stream to the agent.
  case cluster
  /// From the daemon's own network.
  case host
  /// The host's 127.0.0.1.
  case hostLoopback
}

/// The user's settings for routes.
public struct RouteRules: Sendable, Equatable {
  /// `--via-cluster`.
  public var viaCluster: [CIDR]
  /// `--via-host`; wins if both lists have the same range.
  public var viaHost: [CIDR]
  /// `--all-via-cluster`: for all addresses that no longer range names.
  public var allViaCluster: Bool
  /// The address of `host.devtunnel.internal`: it means 127.0.0.1 of the host.
  public var hostAddress: IPAddress
  /// Cluster addresses that the host knows under others: destinations and DNS answers are translated.
  public var aliases = AddressMap()
  /// 198.18.0.1, of RFC 2544's range, which is for tests only.
  public static let defaultHostAddress = IPAddress(high: 0xc612_0001_0000_0000, low: 0, isIPv6: false)

  public init(
    viaCluster: [CIDR] = [], viaHost: [CIDR] = [], allViaCluster: Bool = false,
    hostAddress: IPAddress = RouteRules.defaultHostAddress
  ) {
    self.viaCluster = viaCluster
    self.viaHost = viaHost
    self.allViaCluster = allViaCluster
    self.hostAddress = hostAddress
  }
}

/// Decides the route of a destination, by the longest prefix; then by the cluster DNS's answers; then the host.
///
/// Belongs to the relay's thread.
public final class RouteTable {
  public let rules: RouteRules
  /// Longest first; of the same length: via-host, via-cluster, defaults.
  private let ranges: [(range: CIDR, route: Route, isDefault: Bool)]
  /// Addresses in the cluster DNS's answers for names of the cluster, with their end (µs).
  private var learned: LeastRecentlyUsed<IPAddress, UInt64>
  /// The time that a learned address outlives its record, µs: programs keep addresses longer than TTLs allow.
  static let grace: UInt64 = 3_600_000_000
  static let learnedLimit = 8_192

  public init(_ rules: RouteRules = RouteRules()) {
    self.rules = rules
    learned = LeastRecentlyUsed(capacity: Self.learnedLimit)
    var ranges = rules.viaHost.map { (range: $0, route: Route.host, isDefault: false) }
    ranges += rules.viaCluster.map { (range: $0, route: Route.cluster, isDefault: false) }
    ranges.append((CIDR(rules.hostAddress, length: rules.hostAddress.isIPv6 ? 128 : 32), .hostLoopback, true))
    ranges += Self.loopbacks.map { (range: $0, route: Route.hostLoopback, isDefault: true) }
    ranges += Self.privates.map { (range: $0, route: Route.cluster, isDefault: true) }
    if rules.allViaCluster { ranges += Self.everything.map { (range: $0, route: Route.cluster, isDefault: true) } }
    self.ranges = ranges.enumerated().sorted {
      ($1.element.range.length, $0.offset) < ($0.element.range.length, $1.offset)
    }.map(\.element)
  }

  /// Decides the route of an address; `now` in µs of the loop's clock.
  public func route(_ address: IPAddress, now: UInt64) -> Route {
    for entry in ranges where entry.range.contains(address) { return entry.route }
    if let until = learned[address], until > now { return .cluster }
    return .host
  }

  /// Learns that cluster DNS answered `address` for a name of the cluster, for `ttl` seconds.
  func learn(_ address: IPAddress, ttl: UInt32, now: UInt64) {
    let until = now + UInt64(ttl) * 1_000_000 + Self.grace
    learned.insert(max(until, learned.peek(address) ?? 0), for: address)
  }

  var learnedCount: Int { learned.count }

  private static let loopbacks = [range(127, 0, 0, 0, 8), CIDR(IPAddress(high: 0, low: 1, isIPv6: true), length: 128)]
  /// RFC 1918; shared address space (RFC 6598), which clusters use for Pods; link-local (RFC 3927), which has a
  /// cluster's metadata and node-local DNS.
  private static let privates = [
    range(10, 0, 0, 0, 8), range(172, 16, 0, 0, 12), range(192, 168, 0, 0, 16), range(100, 64, 0, 0, 10),
    range(169, 254, 0, 0, 16),
  ]
  private static let everything = [range(0, 0, 0, 0, 0), CIDR(IPAddress(high: 0, low: 0, isIPv6: true), length: 0)]

  private static func range(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ length: Int) -> CIDR {
    CIDR(IPAddress(high: a << 56 | b << 48 | c << 40 | d << 32, low: 0, isIPv6: false), length: length)
  }
}
