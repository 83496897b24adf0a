import ControlAPI
import Outbound

/// Which ranges of a cluster's a whole machine may be led to. The cluster names them, and who writes its nodes and
/// ServiceCIDRs must not take over the machine's other traffic.
public struct LedRanges: Sendable, Hashable {
  /// What is led, in this order; each once.
  public private(set) var ranges: [CIDR] = []
  /// For the person: what was left out, and why.
  public private(set) var notes: [String] = []

  /// - Parameters:
  ///   - cluster: what the cluster names. Private ranges are taken, others are left out with a note.
  ///   - asked: what the person names (`--via-cluster`). What lies in it may be public.
  /// - Throws: `.badInput` where the person names what no cluster can have.
  public init(cluster: [CIDR], asked: [CIDR]) throws(ControlError) {
    for range in asked {
      if let reason = Self.obstacle(range) {
        throw ControlError(
          .badInput, "--via-cluster \(range) cannot be led into a cluster from a whole machine: \(reason)",
          remedy: "Name the ranges of its Services and Pods.")
      }
    }
    for range in cluster + asked where !ranges.contains(range) {
      if let reason = Self.obstacle(range) {
        notes.append("the cluster names the range \(range), which is left out: \(reason)")
      } else if (Self.privates + asked).contains(where: { $0.holds(range) }) {
        ranges.append(range)
      } else {
        notes.append(
          "the cluster names the range \(range), which is left out: its addresses are public; --via-cluster \(range) leads them there all the same"
        )
      }
    }
  }

  /// Why a range is no cluster's, whoever names it; nil if it may be.
  static func obstacle(_ range: CIDR) -> String? {
    if range.address.isIPv6 { return "IPv6 is not led" }
    if let (own, use) = nobodys.first(where: { $0.0.overlaps(range) }) { return "it holds addresses of \(own), \(use)" }
    return range.length < shortest ? "it is larger than a /\(shortest)" : nil
  }

  private static let shortest = 8

  /// RFC 1918, RFC 6598 (clusters use it for Pods), RFC 2544 (nobody's on the Internet, and in use for mapped ranges).
  private static let privates = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"]
    .compactMap { try? CIDR(parsing: $0) }

  /// What no cluster's Services and Pods can have (RFC 6890).
  private static let nobodys = [
    ("0.0.0.0/8", "this host"), ("127.0.0.0/8", "the loopback"), ("169.254.0.0/16", "the local link"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
  ].compactMap { text, use in (try? CIDR(parsing: text)).map { ($0, use) } }
}

extension CIDR {
  /// Checks whether all of another range lies in this one.
  fileprivate func holds(_ other: CIDR) -> Bool { length <= other.length && contains(other.address) }
}
