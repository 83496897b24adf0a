import ControlAPI
import Outbound

/// The ranges of a cluster that a whole machine may use. The cluster names them, and people who may write its nodes and
/// ServiceCIDRs must not take over the machine's other traffic.
public struct LedRanges: Sendable, Hashable {
  /// The routed ranges, in this order; each once.
  public private(set) var ranges: [CIDR] = []
  /// For the user: the ranges that were left out, with reasons.
  public private(set) var notes: [String] = []

  /// - Parameters:
  ///   - cluster: the ranges that the cluster names. Private ones are taken, others are left out with a note.
  ///   - asked: the ranges that the user names (`--via-cluster`). Ranges within these may be public.
  /// - Throws: `.badInput` for a range that no cluster can have.
  public init(cluster: [CIDR], asked: [CIDR]) throws(ControlError) {
    for range in asked {
      if let reason = Self.obstacle(range) {
        throw ControlError(
          .badInput, "--via-cluster \(range) cannot be led into a cluster from a whole machine: \(reason)",
          remedy: "Name the ranges of its Services and Pods.")
      }
    }
    if cluster.count > Self.most {
      notes.append("the cluster names \(cluster.count) ranges: those after the first \(Self.most) are left out")
    }
    var known: Set<CIDR> = []
    for range in cluster.prefix(Self.most) + asked where known.insert(range).inserted {
      if let reason = Self.obstacle(range) {
        notes.append("the cluster names the range \(range), which is left out: \(reason)")
      } else if (Self.privates + asked).contains(where: { $0.holds(range) }) {
        ranges.append(range)
      } else {
        notes.append(
          "the cluster names the range \(range), which is left out: its addresses are public; "
            + "--via-cluster \(range) routes them there anyway"
        )
      }
    }
  }

  /// Returns the reason why a range can be no cluster's; nil if it can.
  static func obstacle(_ range: CIDR) -> String? {
    if range.address.isIPv6 { return "IPv6 is not routed" }
    if let (own, use) = nobodys.first(where: { $0.0.overlaps(range) }) { return "it holds addresses of \(own), \(use)" }
    return range.length < shortest ? "it is larger than a /\(shortest)" : nil
  }

  private static let shortest = 8
  /// Each is a rule of the kernel's, and is compared with all the others: beyond the nodes of the largest clusters
  /// (Kubernetes documentation, "Considerations for large clusters": 5,000) a list is a flood.
  private static let most = 8_192

  /// RFC 1918, RFC 6598 (clusters use it for Pods), RFC 2544 (unused on the Internet; mapped ranges are in it).
  private static let privates = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"]
    .compactMap { try? CIDR(parsing: $0) }

  /// Ranges that no cluster's Services and Pods can have (RFC 6890).
  private static let nobodys = [
    ("0.0.0.0/8", "this host"), ("127.0.0.0/8", "the loopback"), ("169.254.0.0/16", "the local link"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
  ].compactMap { text, use in (try? CIDR(parsing: text)).map { ($0, use) } }
}

extension CIDR {
  /// Checks whether all of another range is in this one.
  fileprivate func holds(_ other: CIDR) -> Bool { length <= other.length && contains(other.address) }
}
