/// A pattern for interface names in a plan: `docker0`, or a beginning with a star, `cali*`.
struct InterfacePattern: Equatable, CustomStringConvertible {
  /// IFNAMSIZ, with the NUL at its end.
  static let capacity = 16

  /// The name, or its beginning.
  let name: String
  let isPrefix: Bool

  /// Reads 1 to 15 bytes that the kernel allows in a name (dev_valid_name); nil for anything else, and for a star
  /// alone, which would be every interface.
  init?(_ text: some StringProtocol) {
    isPrefix = text.hasSuffix("*")
    name = String(isPrefix ? text.dropLast() : text[...])
    let isPlain = name.utf8.allSatisfy {
      (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "*")
    }
    guard !name.isEmpty, name.utf8.count < Self.capacity, isPlain, name != ".", name != ".." else { return nil }
  }

  /// The beginning of the name in a packet's metadata; a whole name is filled up with NULs.
  var bytes: [UInt8] {
    let bytes = Array(name.utf8)
    return isPrefix ? bytes : bytes + [UInt8](repeating: 0, count: Self.capacity - bytes.count)
  }

  var description: String { name + (isPrefix ? "*" : "") }
}

/// An interface of this network namespace, as rtnetlink(7) reports it.
struct NetworkLink: Equatable {
  var index: Int32
  var name: String
  /// IFLA_INFO_KIND: `bridge`, `veth`, `tun`…; empty for hardware.
  var kind = ""
  /// The interface that it is a port of; 0 for none.
  var master: Int32 = 0
}

/// Decides whose packets are routed into the cluster: those of this machine's guests, never those of its neighbours.
enum HostBridges {
  /// Kinds that connect to a namespace or a virtual machine here.
  private static let guestKinds: Set<String> = ["veth", "tun", "dummy"]

  /// - Parameters:
  ///   - named: the user's, without further checks.
  ///   - uplinks: names of interfaces with a default route. Neighbours' packets come through these.
  /// - Returns: the named ones, and each bridge with guests only: a bridge with a port of another kind, or a default
  ///   route, is part of an outside network.
  static func guests(_ links: [NetworkLink], named: [InterfacePattern], uplinks: Set<String>) -> [InterfacePattern] {
    let bridges = links.filter { bridge in
      bridge.kind == "bridge" && bridge.master == 0 && !uplinks.contains(bridge.name)
        && links.allSatisfy { $0.master != bridge.index || guestKinds.contains($0.kind) && !uplinks.contains($0.name) }
    }
    let found = bridges.map(\.name).sorted().compactMap { name in name.hasSuffix("*") ? nil : InterfacePattern(name) }
    return named + found.filter { !named.contains($0) }
  }

  /// Reads /proc/net/route (proc(5)): the interfaces with a default route, or one to half of all
  /// addresses, as VPNs have.
  static func uplinks(routes: String) -> Set<String> {
    var names: Set<String> = []
    for line in routes.split(whereSeparator: \.isNewline).dropFirst() {
      let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
      guard fields.count > 7, let mask = UInt32(fields[7], radix: 16), mask.nonzeroBitCount <= 1 else { continue }
      names.insert(String(fields[0]))
    }
    return names
  }
}
