/// The resolver's settings, from a Pod's resolv.conf and the host.
public struct DNSSettings: Sendable {
  /// The cluster's domain and the Pod's search domains: connections to addresses of names within them go
  /// via the cluster.
  public var clusterSuffixes: [DNSName]
  /// The Pod's search list, in order (resolv.conf(5)).
  public var search: [DNSName]
  /// Names with fewer dots are tried with the search list first.
  public var ndots: Int
  /// `--dns-host`: names within these are resolved by the host's own servers.
  public var hostSuffixes: [DNSName]
  public var hostServers: [IPEndpoint]
  /// Returns the host's servers if they have changed since the last call. Called before each question to them, on the
  /// relay's thread, which it must not block; nil: they stay.
  public var changedHostServers: (@Sendable () -> [IPEndpoint]?)?
  /// True if names outside of `clusterSuffixes` are the host's too: for a whole machine, which must not
  /// lose its own names.
  public var clusterNamesOnly = false
  /// With `clusterNamesOnly`: names of addresses in these ranges are the cluster's too.
  public var clusterRanges: [CIDR] = []
  /// The source ports for questions to the host's servers; nil: any. Rules that redirect other questions
  /// here let these pass.
  public var hostSourcePorts: ClosedRange<UInt16>?
  /// Above Linux's ephemeral ports (ip(7), ip_local_port_range), so no other program's question has one by chance.
  public static let ownSourcePorts: ClosedRange<UInt16> = 0xf000...0xffff
  /// True if the cluster has IPv6. If not, AAAA queries get no data, so that no program waits for
  /// unreachable addresses.
  public var ipv6: Bool
  /// The name of the host, answered with `RouteRules.hostAddress`.
  public static let hostName = DNSName("host.devtunnel.internal")!

  public init(
    clusterSuffixes: [DNSName], search: [DNSName] = [], ndots: Int = 5, hostSuffixes: [DNSName] = [],
    hostServers: [IPEndpoint] = [], ipv6: Bool = false
  ) {
    self.clusterSuffixes = clusterSuffixes
    self.search = search
    self.ndots = ndots
    self.hostSuffixes = hostSuffixes
    self.hostServers = hostServers
    self.ipv6 = ipv6
  }

  func belongsToHost(_ name: DNSName) -> Bool {
    if hostSuffixes.contains(where: { name.isWithin($0) }) { return true }
    guard clusterNamesOnly, !clusterSuffixes.contains(where: { name.isWithin($0) }) else { return false }
    guard let address = name.reverseAddress else { return true }
    return !clusterRanges.contains { $0.contains(address) }
  }
}
