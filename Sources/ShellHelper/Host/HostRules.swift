/// The rules that route the host, and the Pods bridged to it, into the cluster. The kernel removes them with the
/// netlink socket that made them.
///
/// Packets come from programs of this machine (`output`), and from interfaces that are named one by one (`prerouting`).
/// Any other interface brings a neighbour's packets, which are neither redirected nor answered.
struct HostRules {
  var clusterCIDRs: [HostPlan.Prefix]
  var excluded: [HostPlan.Prefix]
  var nameservers: [IPv4Address]
  /// The ports of the daemon's listeners.
  var tcpPort: UInt16
  var dnsUDPPort: UInt16
  var dnsTCPPort: UInt16

  private static let table = "devtunnel"
  private static let tcp: UInt8 = 6
  private static let udp: UInt8 = 17

  private static func chain(_ name: String) -> NetlinkBatch.Chain { .init(table: table, name: name) }
  private static let output = chain("output")
  private static let prerouting = chain("prerouting")
  private static let input = chain("input")
  /// The chain for a guest's packets.
  private static let guest = chain("guest")
  /// The chain for access to the listeners.
  private static let listeners = chain("listeners")

  /// Returns one transaction that makes the table.
  func requests(guests: [InterfacePattern]) -> NetlinkBatch {
    var batch = NetlinkBatch()
    batch.transaction { batch in
      batch.addTable(Self.table, flags: NetlinkBatch.ownedBySocket)
      batch.addChain(Self.guest)
      batch.addChain(Self.listeners)
      batch.addChain(Self.output, type: "nat", hook: .output, priority: -100)
      batch.addChain(Self.prerouting, type: "nat", hook: .prerouting, priority: -100)
      batch.addChain(Self.input, type: "filter", hook: .input, priority: 0)
      addRoutes(Self.guest, &batch)
      addOutput(&batch)
      for (transport, port) in [(Self.udp, dnsUDPPort), (Self.tcp, dnsTCPPort)] {
        // Bridged Pods use the upstream servers of the host's resolv.conf, and may not reach the host's own.
        batch.addRule(
          Self.guest, "DNS of bridged Pods", Self.ipv4 + Self.transport(transport, port: 53) + [.redirect(port: port)])
      }
      for (transport, port) in [(Self.tcp, tcpPort), (Self.tcp, dnsTCPPort), (Self.udp, dnsUDPPort)] {
        batch.addRule(
          Self.input, "to the listeners", Self.transport(transport, port: port) + [.jump(Self.listeners.name)])
      }
      addGuests(guests, &batch)
    }
    return batch
  }

  /// Returns one transaction that lets exactly these guests in.
  func replacement(guests: [InterfacePattern]) -> NetlinkBatch {
    var batch = NetlinkBatch()
    batch.transaction { batch in
      batch.flush(Self.prerouting)
      batch.flush(Self.listeners)
      addGuests(guests, &batch)
    }
    return batch
  }

  /// Returns one transaction after which the questions of this machine's programs to exactly `nameservers` come here.
  func outputReplacement() -> NetlinkBatch {
    var batch = NetlinkBatch()
    batch.transaction { batch in
      batch.flush(Self.output)
      addOutput(&batch)
    }
    return batch
  }

  /// Adds the rules for packets of this machine's programs.
  private func addOutput(_ batch: inout NetlinkBatch) {
    addRoutes(Self.output, &batch)
    for (transport, port) in [(Self.udp, dnsUDPPort), (Self.tcp, dnsTCPPort)] {
      for server in nameservers {
        let asked =
          Self.to(server, mask: IPv4Address(value: .max)) + Self.transport(transport, port: 53) + Self.fromOthersPorts
        batch.addRule(Self.output, "DNS of this machine", asked + [.redirect(port: port)])
      }
    }
  }

  private func addRoutes(_ chain: NetlinkBatch.Chain, _ batch: inout NetlinkBatch) {
    for prefix in excluded {
      batch.addRule(
        chain, "not \(prefix.address)/\(prefix.length)",
        Self.to(prefix.address, mask: prefix.mask) + [.verdict(.accept)])
    }
    for prefix in clusterCIDRs {
      let into = Self.to(prefix.address, mask: prefix.mask) + Self.transport(Self.tcp) + [.redirect(port: tcpPort)]
      batch.addRule(chain, "TCP to \(prefix.address)/\(prefix.length)", into)
    }
  }

  private func addGuests(_ guests: [InterfacePattern], _ batch: inout NetlinkBatch) {
    // A packet sent straight to the ports was not redirected: IPS_DST_NAT is not set in the connection's
    // status (NFT_CT_STATUS).
    let mask = withUnsafeBytes(of: UInt32(1 << 5)) { Array($0) }
    batch.addRule(
      Self.listeners, "no direct way to the listeners",
      [.connection(2), .mask(mask), .equal([0, 0, 0, 0]), .verdict(.drop)])
    batch.addRule(Self.listeners, "this machine", Self.fromLoopback + [.verdict(.accept)])
    for guest in guests {
      // NFT_META_IIFNAME.
      let from: [RuleExpression] = [.meta(6), .equal(guest.bytes)]
      batch.addRule(Self.prerouting, "guests at \(guest)", from + [.jump(Self.guest.name)])
      batch.addRule(Self.listeners, "guests at \(guest)", from + [.verdict(.accept)])
    }
    batch.addRule(Self.listeners, "nobody else", [.verdict(.drop)])
  }

  // NFT_META_NFPROTO, NFT_META_IIF (lo is 1 in every namespace), NFT_META_L4PROTO.
  private static let ipv4: [RuleExpression] = [.meta(15), .equal([2])]
  private static let fromLoopback: [RuleExpression] = [.meta(4), .equal(withUnsafeBytes(of: UInt32(1)) { Array($0) })]

  /// The daemon's own questions come from ports of 0xf000 and above.
  private static let fromOthersPorts: [RuleExpression] = [
    .payload(.transport, offset: 0, length: 2), .mask([0xf0, 0]), .notEqual([0xf0, 0]),
  ]

  private static func to(_ address: IPv4Address, mask: IPv4Address) -> [RuleExpression] {
    ipv4 + [.payload(.network, offset: 16, length: 4), .mask(mask.bytes), .equal(address.bytes)]
  }

  private static func transport(_ number: UInt8) -> [RuleExpression] { [.meta(16), .equal([number])] }

  private static func transport(_ number: UInt8, port: UInt16) -> [RuleExpression] {
    transport(number) + [
      .payload(.transport, offset: 2, length: 2), .equal([UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]),
    ]
  }
}
