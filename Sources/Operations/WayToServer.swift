import Glibc
import KubeAPI
import Outbound
import Threads

extension ClusterOperations {
  /// Returns the IPv4 addresses through which this machine reaches a cluster's API server: its own, a proxy's, an SSH
  /// host's. Connections to them must stay as they are. A name that is not found is left out.
  func wayToServer(_ client: KubeClient, sshHost: String?, environment: [String: String]) async -> [IPAddress] {
    let proxies =
      [client.access.proxyURL] + ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map { environment[$0] }
    let names = [client.access.server.host, sshHost] + proxies.map { $0.flatMap(Self.host(ofProxy:)) }
    return await withCheckedContinuation { continuation in
      let look: @Sendable () -> Void = { [names = Set(names.compactMap { $0 })] in
        continuation.resume(returning: names.sorted().flatMap(Self.addresses))
      }
      do { try startThread("dt-names", look) } catch {
        continuation.resume(returning: names.compactMap { $0.flatMap(IPAddress.init(parsing:)) })
      }
    }
  }

  /// Returns `proxy` for `http://user@proxy:3128/`; the scheme is optional, as in curl.
  static func host(ofProxy text: String) -> String? {
    var rest = text[...]
    if let scheme = text.firstRange(of: "://") { rest = text[scheme.upperBound...] }
    rest = rest.prefix { $0 != "/" && $0 != "?" }
    if let user = rest.lastIndex(of: "@") { rest = rest[rest.index(after: user)...] }
    if rest.hasPrefix("[") { return String(rest.dropFirst().prefix { $0 != "]" }) }
    let host = rest.prefix { $0 != ":" }
    return host.isEmpty ? nil : String(host)
  }

  private static func addresses(of name: String) -> [IPAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    return sequence(first: list) { $0?.pointee.ai_next }.compactMap { entry in
      guard let address = entry?.pointee.ai_addr else { return nil }
      return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { at in
        withUnsafeBytes(of: at.pointee.sin_addr.s_addr) { IPAddress(bytes: $0) }
      }
    }
  }
}
