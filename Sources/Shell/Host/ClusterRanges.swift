import ControlAPI
import KubeAPI
import KubeObjects
import Outbound

/// The addresses of a cluster's Services and Pods, as far as these credentials may read them.
public struct ClusterRanges: Sendable, Hashable {
  public var services: [CIDR] = []
  public var pods: [CIDR] = []
  public var all: [CIDR] { services + pods }

  public init() {}

  /// Reads ServiceCIDRs (networking.k8s.io/v1) and the nodes' podCIDRs. Unreadable ones are left out.
  public static func read(client: KubeClient) async -> ClusterRanges {
    var ranges = ClusterRanges()
    if let found = try? await client.list(.serviceCIDRs, namespace: nil) {
      ranges.services = found.items.flatMap { $0[path: "spec", "cidrs"]?.elements ?? [] }.compactMap {
        $0.stringValue.flatMap(ipv4)
      }
    }
    if let found = try? await client.list(.nodes, namespace: nil) {
      let cidrs = found.items.flatMap { node -> [JSONValue] in
        let several = node[path: "spec", "podCIDRs"]?.elements ?? []
        return several.isEmpty ? [node[path: "spec", "podCIDR"]].compactMap { $0 } : several
      }
      ranges.pods = Array(Set(cidrs.compactMap { $0.stringValue.flatMap(ipv4) })).sorted {
        $0.description < $1.description
      }
    }
    return ranges
  }

  private static func ipv4(_ text: String) -> CIDR? {
    guard let cidr = try? CIDR(parsing: text), !cidr.address.isIPv6 else { return nil }
    return cidr
  }
}
