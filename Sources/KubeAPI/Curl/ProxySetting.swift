#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The proxy that libcurl uses for one server, and its source for messages: libcurl 7.85 does not report it.
struct ProxySetting: Sendable, Hashable {
  /// Without user and password.
  let url: String
  /// `HTTPS_PROXY` or the like, or the kubeconfig's `proxy-url`.
  let source: String
  let hasCredentials: Bool

  /// Nil if the server is reached directly. The order is libcurl's: CURLOPT_PROXY(3), section
  /// "Environment variables", and CURLOPT_NOPROXY(3).
  init?(_ access: ClusterAccess, environment: [String: String] = ProcessInfo.processInfo.environment) {
    if let url = access.proxyURL {
      self.init(url, source: "the kubeconfig's proxy-url")
      return
    }
    let scheme = access.server.scheme.rawValue
    // A client could make a server's CGI script see http's name in capitals, so only small letters count for http.
    let names = ["\(scheme)_proxy"] + (scheme == "https" ? ["HTTPS_PROXY"] : []) + ["all_proxy", "ALL_PROXY"]
    guard let name = names.first(where: { environment[$0]?.isEmpty == false }), let url = environment[name] else {
      return nil
    }
    let exceptions = ["no_proxy", "NO_PROXY"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    guard !Self.excepts(access.tlsServerName ?? access.server.host, exceptions) else { return nil }
    self.init(url, source: name)
  }

  private init(_ text: String, source: String) {
    let parts =
      text.firstRange(of: "://").map { (text[..<$0.upperBound], text[$0.upperBound...]) } ?? ("http://", text[...])
    var authority = parts.1.prefix { $0 != "/" && $0 != "?" }
    let at = authority.lastIndex(of: "@")
    if let at { authority = authority[authority.index(after: at)...] }
    url = String(parts.0 + authority)
    hasCredentials = at != nil
    self.source = source
  }

  /// Checks whether a server's host is in a list like NO_PROXY: names with their subdomains, addresses
  /// and IPv4 networks, `*` for all.
  static func excepts(_ host: String, _ list: String) -> Bool {
    let host = host.lowercased()
    let address = ipv4(host[...])
    return list.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
      if entry == "*" || entry == host { return true }
      if let address {
        let parts = entry.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, let network = ipv4(parts[0]), let bits = Int(parts[1]), (0...32).contains(bits) else {
          return false
        }
        return bits == 0 || (address ^ network) >> UInt32(32 - bits) == 0
      }
      let name = entry.hasPrefix(".") ? entry.dropFirst() : entry
      return !name.isEmpty && (host == name || host.hasSuffix(".\(name)"))
    }
  }

  private static func ipv4(_ text: Substring) -> UInt32? {
    let bytes = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard bytes.count == 4 else { return nil }
    return bytes.reduce(UInt32?(0)) { value, byte in value.flatMap { value in byte.map { value << 8 | UInt32($0) } } }
  }
}
