/// A Pod's own `/etc/resolv.conf` (resolv.conf(5)).
public struct ResolverConfiguration: Sendable, Hashable {
  public var nameservers: [String] = []
  public var search: [String] = []
  public var options: [String] = []

  public init(nameservers: [String] = [], search: [String] = [], options: [String] = []) {
    self.nameservers = nameservers
    self.search = search
    self.options = options
  }

  /// Skips lines without meaning for a resolver, as glibc does; of `search` and `domain` the last counts.
  public init(parsing text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
      guard let keyword = words.first, !keyword.hasPrefix("#"), !keyword.hasPrefix(";") else { continue }
      let values = Array(words.dropFirst())
      switch keyword {
      case "nameserver": if let address = values.first { nameservers.append(address) }
      case "search": search = values
      case "domain": search = Array(values.prefix(1))
      case "options": options += values
      default: break
      }
    }
  }

  /// The contents of a resolv.conf.
  public var text: String {
    let lines =
      nameservers.map { "nameserver \($0)" } + (search.isEmpty ? [] : ["search " + search.joined(separator: " ")])
      + (options.isEmpty ? [] : ["options " + options.joined(separator: " ")])
    return lines.joined(separator: "\n") + "\n"
  }

  /// Names with fewer dots are tried with the search list first.
  public var ndots: Int {
    options.last { $0.hasPrefix("ndots:") }.flatMap { Int($0.dropFirst(6)) } ?? 1
  }

  /// The cluster's domain, from a search list such as `shop.svc.cluster.local svc.cluster.local cluster.local`.
  public var clusterDomain: String? {
    guard let services = search.first(where: { $0.hasPrefix("svc.") }) else { return nil }
    return String(services.dropFirst(4))
  }
}
