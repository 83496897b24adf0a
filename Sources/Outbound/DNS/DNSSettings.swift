/// What the resolver must know of a Pod's resolv.conf and of the host.
public struct DNSSettings: Sendable {
  /// The cluster's domain and the Pod's search domains: addresses that are answered for names within them go via the
  /// cluster.
  public var clusterSuffixes: [DNSName]
  /// The Pod's search list, in order (resolv.conf(5)).
  public var search: [DNSName]
  /// Names with fewer dots are tried with the search list first.
  public var ndots: Int
  /// `--dns-host`: names within these are asked of the host's own resolvers.
  public var hostSuffixes: [DNSName]
  public var hostServers: [IPEndpoint]
  /// Names outside of `clusterSuffixes` are the host's too: for a whole machine, which must not lose its own names.
  public var clusterNamesOnly = false
  /// Where `clusterNamesOnly`: names of addresses in these are the cluster's too.
  public var clusterRanges: [CIDR] = []
  /// The ports from which the host's servers are asked; nil: any. Rules that lead other questions here let these pass.
  public var hostSourcePorts: ClosedRange<UInt16>?
  /// Above Linux's ephemeral ports (ip(7), ip_local_port_range), so that no other program's question has one by chance.
  public static let ownSourcePorts: ClosedRange<UInt16> = 0xf000...0xffff
  /// Without IPv6, AAAA queries are answered with no data, so that no program waits for addresses that lead nowhere.
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
