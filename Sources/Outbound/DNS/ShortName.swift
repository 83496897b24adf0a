/// Short names of Services, `web.shop` and `web`, for a whole machine: its programs ask for them as they are, where a
/// Pod's programs would append the Pod's search list.
enum ShortName {
  /// Names that programs ask for by themselves: a Service of such a name would be taken for a proxy's configuration,
  /// or a router.
  private static let never: Set<String> = ["localhost", "wpad", "isatap"]
  /// Namespaces of these names could be taken for a domain that is not reached at the moment (ICANN's "name collision",
  /// RFC 6761, RFC 6762).
  private static let domains: Set<String> = [
    "arpa", "com", "corp", "edu", "example", "gov", "home", "int", "internal", "intranet", "invalid", "lan", "local",
    "localdomain", "mail", "mil", "net", "onion", "org", "private", "test",
  ]

  /// Returns the full name of the Service that a name may mean.
  /// - Parameter search: the Pod's search list: `shop.svc.cluster.local`, `svc.cluster.local`, ….
  /// - Returns: nil for a name that is not short, and for one that must not be the cluster's.
  static func full(_ name: DNSName, search: [DNSName]) -> DNSName? {
    let labels = name.labels
    guard let first = labels.first, !never.contains(first) else { return nil }
    switch labels.count {
    case 1: return search.first { $0.labels.dropFirst().first == "svc" }.flatMap(name.appending)
    case 2 where !domains.contains(labels[1]):
      return search.first { $0.labels.first == "svc" }.flatMap(name.appending)
    default: return nil
    }
  }
}
