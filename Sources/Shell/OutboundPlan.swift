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
  ///   - host: the host's.
  func dns(pod: ResolverConfiguration, host: ResolverConfiguration) -> DNSSettings {
    let search = pod.search.compactMap { try? DNSName(parsing: $0) }
    let domain = [pod.clusterDomain ?? "cluster.local"].compactMap { try? DNSName(parsing: $0) }
    let servers = host.nameservers.compactMap { IPAddress(parsing: $0) }.map { IPEndpoint($0, port: 53) }
    return DNSSettings(
      clusterSuffixes: domain + search + clusterSuffixes, search: search, ndots: pod.ndots, hostSuffixes: hostSuffixes,
      hostServers: servers)
  }
}
