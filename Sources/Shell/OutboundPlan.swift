import ControlAPI
import Outbound

/// The user's settings for routes and names, checked.
public struct OutboundPlan: Sendable {
  public let rules: RouteRules
  let hostSuffixes: [DNSName]
  let clusterSuffixes: [DNSName]

  /// - Throws: `.badInput` that names the text.
  public init(_ options: OutboundOptions) throws(ControlError) {
    do throws(OutboundError) {
      var viaCluster: [CIDR] = []
      var viaHost: [CIDR] = []
      var suffixes: [DNSName] = []
      for text in options.viaCluster { viaCluster.append(try CIDR(parsing: text)) }
      for text in options.viaHost { viaHost.append(try CIDR(parsing: text)) }
      for text in options.dnsHost { suffixes.append(try DNSName(parsing: text)) }
      rules = RouteRules(viaCluster: viaCluster, viaHost: viaHost, allViaCluster: options.allViaCluster)
      hostSuffixes = suffixes
      var ofCluster: [DNSName] = []
      for text in options.dnsCluster { ofCluster.append(try DNSName(parsing: text)) }
      clusterSuffixes = ofCluster
    } catch {
      throw ControlError(.badInput, error.message, remedy: error.remedy)
    }
  }

  /// - Parameters:
  ///   - pod: the Pod's resolv.conf.
  ///   - host: the host's, which is followed.
  func dns(pod: ResolverConfiguration, host: HostResolver) -> DNSSettings {
    dns(search: pod.search, suffixes: [pod.clusterDomain ?? Self.usualDomain] + pod.search, ndots: pod.ndots, host)
  }

  /// The same for a whole machine, which must not lose its own names.
  /// - Returns: with notes about the names that were left out.
  func machineDNS(pod: ResolverConfiguration, host: HostResolver) -> (DNSSettings, notes: [String]) {
    let names = ClusterNames(domain: pod.clusterDomain ?? Self.usualDomain, search: pod.search, asked: clusterSuffixes)
    let search = pod.search.filter { names.suffixes.contains($0) }
    var settings = dns(search: search, suffixes: names.suffixes, ndots: pod.ndots, host)
    settings.clusterNamesOnly = true
    return (settings, names.notes)
  }

  private static let usualDomain = "cluster.local"

  private func dns(search: [String], suffixes: [String], ndots: Int, _ host: HostResolver) -> DNSSettings {
    var settings = DNSSettings(
      clusterSuffixes: suffixes.compactMap { try? DNSName(parsing: $0) } + clusterSuffixes,
      search: search.compactMap { try? DNSName(parsing: $0) }, ndots: ndots, hostSuffixes: hostSuffixes,
      hostServers: host.servers)
    settings.changedHostServers = { host.changedServers() }
    return settings
  }
}
