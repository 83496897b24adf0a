import Glibc

/// The location of an API server's address: on this machine, or on a network that this machine makes for its containers
/// and virtual machines. No lookups of names.
enum ServerAddress {
  enum Place: Hashable {
    /// Loopback, by address or by name; it may still be a tunnel's end.
    case loopback
    /// In the subnet of one of this machine's interfaces.
    case onLink(interface: String)
    case elsewhere
  }

  static func place(of host: String) -> Place {
    let name = host.lowercased()
    // Docker Desktop and similar products name their host so.
    if name == "localhost" || name.hasSuffix(".localhost") || name == "kubernetes.docker.internal"
      || name == "host.docker.internal"
    {
      return .loopback
    }
    if let address = ipv4(name) { return address >> 24 == 127 ? .loopback : onLink(address) ?? .elsewhere }
    return name == "::1" || name == "0:0:0:0:0:0:0:1" ? .loopback : .elsewhere
  }

  static func ipv4(_ text: String) -> UInt32? {
    var address = in_addr()
    return inet_pton(AF_INET, text, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
  }

  private static func onLink(_ address: UInt32) -> Place? {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return nil }
    defer { freeifaddrs(list) }
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard let own = ipv4(entry.ifa_addr), let mask = ipv4(entry.ifa_netmask), mask != 0, own & mask == address & mask
      else { continue }
      return .onLink(interface: String(cString: entry.ifa_name))
    }
    return nil
  }

  private static func ipv4(_ pointer: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
    guard let pointer, Int32(pointer.pointee.sa_family) == AF_INET else { return nil }
    return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
    }
  }
}
