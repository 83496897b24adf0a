/// The rules that lead the host, and the Pods bridged to it, into the cluster. They go with the netlink socket that made them.
struct HostRules {
  var clusterCIDRs: [HostPlan.Prefix]
  var excluded: [HostPlan.Prefix]
  var nameservers: [IPv4Address]
  /// Where the daemon's listeners are.
  var tcpPort: UInt16
  var dnsUDPPort: UInt16
  var dnsTCPPort: UInt16

  private static let table = "devtunnel"
  private static let tcp: UInt8 = 6
  private static let udp: UInt8 = 17

  var requests: NetlinkBatch {
    var batch = NetlinkBatch()
    batch.transaction { batch in
      batch.addTable(Self.table, flags: NetlinkBatch.ownedBySocket)
      for (name, hook) in [("output", NetlinkBatch.Hook.output), ("prerouting", .prerouting)] {
        let chain = NetlinkBatch.Chain(table: Self.table, name: name)
        batch.addChain(chain, type: "nat", hook: hook, priority: -100)
        for prefix in excluded {
          batch.addRule(chain, "not \(prefix.address)/\(prefix.length)", Self.to(prefix.address, mask: prefix.mask) + [.verdict(.accept)])
        }
        for prefix in clusterCIDRs {
          let into = Self.to(prefix.address, mask: prefix.mask) + Self.transport(Self.tcp) + [.redirect(port: tcpPort)]
          batch.addRule(chain, "TCP to \(prefix.address)/\(prefix.length)", into)
        }
        for (transport, port) in [(Self.udp, dnsUDPPort), (Self.tcp, dnsTCPPort)] {
          if hook == .prerouting {
            // Bridged Pods read the upstream servers of the host's resolv.conf, and may not reach the one it has for itself.
            let asked: [RuleExpression] = Self.ipv4 + Self.fromOtherThanLoopback + Self.transport(transport, port: 53)
            batch.addRule(chain, "DNS of bridged Pods", asked + [.redirect(port: port)])
          } else {
            for server in nameservers {
              let asked = Self.to(server, mask: IPv4Address(value: .max)) + Self.transport(transport, port: 53) + Self.fromOthersPorts
              batch.addRule(chain, "DNS of this machine", asked + [.redirect(port: port)])
            }
          }
        }
      }
      let input = NetlinkBatch.Chain(table: Self.table, name: "input")
      batch.addChain(input, type: "filter", hook: .input, priority: 0)
      // Who comes to the ports themselves was not redirected: IPS_DST_NAT is not set in the connection's status (NFT_CT_STATUS).
      let mask = withUnsafeBytes(of: UInt32(1 << 5)) { Array($0) }
      for (transport, port) in [(Self.tcp, tcpPort), (Self.tcp, dnsTCPPort), (Self.udp, dnsUDPPort)] {
        let direct: [RuleExpression] = [.connection(2), .mask(mask), .equal([0, 0, 0, 0]), .verdict(.drop)]
        batch.addRule(input, "no direct way to the listeners", Self.transport(transport, port: port) + direct)
      }
    }
    return batch
  }

  // NFT_META_NFPROTO, NFT_META_IIF (lo is 1 in every namespace), NFT_META_L4PROTO.
  private static let ipv4: [RuleExpression] = [.meta(15), .equal([2])]
  private static let fromOtherThanLoopback: [RuleExpression] = [.meta(4), .notEqual(withUnsafeBytes(of: UInt32(1)) { Array($0) })]

  /// The daemon's own questions come from ports of 0xf000 and above.
  private static let fromOthersPorts: [RuleExpression] = [.payload(.transport, offset: 0, length: 2), .mask([0xf0, 0]), .notEqual([0xf0, 0])]

  private static func to(_ address: IPv4Address, mask: IPv4Address) -> [RuleExpression] {
    ipv4 + [.payload(.network, offset: 16, length: 4), .mask(mask.bytes), .equal(address.bytes)]
  }

  private static func transport(_ number: UInt8) -> [RuleExpression] { [.meta(16), .equal([number])] }

  private static func transport(_ number: UInt8, port: UInt16) -> [RuleExpression] {
    transport(number) + [.payload(.transport, offset: 2, length: 2), .equal([UInt8(port >> 8), UInt8(truncatingIfNeeded: port)])]
  }
}
