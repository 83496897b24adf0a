import FoundationEssentials
import Manifests

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The registry that a cluster announces (KEP-1755). Images, with everything that a build put into them, are pushed to
/// it, so the cluster alone does not choose the host.
struct AnnouncedRegistry: Sendable, Hashable {
  enum Place: Sendable, Hashable {
    /// This machine's loopback.
    case here
    /// A private address. The user is asked.
    case near
    /// Any other: only `--load registry:HOST` allows it.
    case elsewhere
  }

  /// `host[:port][/path]` as this machine reaches it.
  var push: String
  /// The nodes' address for the same registry; nil if none is given.
  var pull: String?

  /// - Parameter document: `localRegistryHosting.v1`.
  /// - Returns: nil for a document that names no registry.
  init?(parsing document: String) {
    var warnings: [Diagnostic] = []
    let root = try? YAMLNode.documents(in: document, file: "local-registry-hosting", warnings: &warnings).first
    guard let host = try? root?["host"]?.string(), Self.isReference(host) else { return nil }
    push = host
    let pull = (try? root?["hostFromContainerRuntime"]?.string()) ?? nil
    self.pull = pull.flatMap { Self.isReference($0) ? $0 : nil }
  }

  private static func isReference(_ text: String) -> Bool {
    !text.isEmpty && text.first != "-"
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.:/[]".contains($0)) }
  }

  /// The host without port and path; an IPv6 address without its brackets.
  var host: String {
    let authority = push.prefix { $0 != "/" }
    if authority.first == "[" { return String(authority.dropFirst().prefix { $0 != "]" }) }
    return String(authority.prefix { $0 != ":" }).lowercased()
  }

  /// - Parameter resolve: the addresses of a name; called only for names below `.localhost`, which are
  ///   this machine by convention only.
  func place(resolve: (String) -> [String] = Self.addresses) -> Place {
    if host == "localhost" || Self.isLoopback(host) { return .here }
    if host.hasSuffix(".localhost") {
      let found = resolve(host)
      return !found.isEmpty && found.allSatisfy(Self.isLoopback) ? .here : .elsewhere
    }
    guard let address = Self.ipv4(host) else { return .elsewhere }
    let isPrivate = address >> 24 == 10 || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8
    return isPrivate ? .near : .elsewhere
  }

  static func isLoopback(_ address: String) -> Bool {
    if let ipv4 = ipv4(address) { return ipv4 >> 24 == 127 }
    var ipv6 = in6_addr()
    guard inet_pton(AF_INET6, address, &ipv6) == 1 else { return false }
    return withUnsafeBytes(of: ipv6) { bytes in bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 }
  }

  private static func ipv4(_ text: String) -> UInt32? {
    var address = in_addr()
    return inet_pton(AF_INET, text, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
  }

  static func addresses(of name: String) -> [String] {
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, nil, &found) == 0 else { return [] }
    defer { freeaddrinfo(found) }
    var addresses: [String] = []
    var next = found
    while let entry = next?.pointee {
      next = entry.ai_next
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      if getnameinfo(entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
        addresses.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
    }
    return addresses
  }
}
