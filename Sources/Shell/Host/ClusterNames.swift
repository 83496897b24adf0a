import Outbound

/// The names of a whole machine that are resolved in the cluster. A Pod's resolv.conf names them, and people who may
/// edit the Pod's template, or the nodes' search lists, must not take over the machine's other names.
public struct ClusterNames: Sendable, Hashable {
  /// The texts of the suffixes that the cluster resolves.
  public private(set) var suffixes: [String] = []
  /// For the user: the names that were left out, with the option that adds them.
  public private(set) var notes: [String] = []

  /// - Parameters:
  ///   - domain: the cluster's domain.
  ///   - search: the Pod's search list.
  ///   - asked: the suffixes that the user names (`--dns-cluster`), and what is within them, may be any.
  public init(domain: String, search: [String], asked: [DNSName]) {
    if Self.isClusters(domain) {
      add(domain)
    } else if Self.labels(domain) >= 2 {
      // Names of Services and Pods: whoever owns the domain hardly has both.
      for label in ["svc", "pod"] { add("\(label).\(domain)") }
    }
    var others: [String] = []
    for text in search where !suffixes.contains(text) {
      guard let name = try? DNSName(parsing: text) else { continue }
      let taken = suffixes.compactMap { try? DNSName(parsing: $0) } + asked
      if taken.contains(where: { name.isWithin($0) }) {
        add(text)
      } else {
        others.append(text == "." ? "the root of all names" : "'\(text.prefix(253))'")
      }
    }
    if suffixes.isEmpty, asked.isEmpty {
      notes = [
        "the cluster's domain '\(domain.prefix(253))' could be a public one: no name of the cluster is resolved; "
          + "--dns-cluster with that domain resolves them"
      ]
    } else if !others.isEmpty {
      notes = [
        "the Pods' search list has \(others.joined(separator: ", ")), left out: other names than the cluster's are "
          + "there; --dns-cluster resolves them in the cluster anyway"
      ]
    }
  }

  private mutating func add(_ text: String) { if !suffixes.contains(text) { suffixes.append(text) } }

  /// Checks for `cluster.local`, and names like it: `cluster`, and then what is no public domain (RFC 6762, RFC 6761,
  /// ICANN's `.internal`).
  private static func isClusters(_ domain: String) -> Bool {
    let labels = domain.lowercased().split(separator: ".")
    guard labels.count >= 2, let last = labels.last else { return false }
    return labels[0] == "cluster" && ["local", "internal", "test", "lan"].contains(last)
  }

  private static func labels(_ domain: String) -> Int { domain.split(separator: ".").count }
}
