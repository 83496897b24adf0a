/// The rules for packets in the shell: with AnyIP every packet, to whatever address, arrives at lo and
/// passes prerouting.
struct ShellRules {
  /// The port of the transparent sockets, which no user's program asks for.
  static let transparentPort: UInt16 = 1

  var address: IPv4Address
  var dns: [IPv4Address]
  var hostPorts: [UInt16]

  private static let chain = NetlinkBatch.Chain(table: "devtunnel", name: "prerouting")
  private static let tcp: UInt8 = 6
  private static let udp: UInt8 = 17

  /// One transaction, rules in the order in which packets meet them.
  var requests: NetlinkBatch {
    var batch = NetlinkBatch()
    batch.transaction { batch in
      let chain = Self.chain
      let port = Self.transparentPort
      batch.addTable(chain.table)
      batch.addChain(chain, type: "filter", hook: .prerouting, priority: -150)
      for hostPort in hostPorts {
        // A server in the shell has priority over the host's; the answers of a redirected connection find its
        // socket here too.
        let toPort = Self.toLoopback + Self.transport(Self.tcp, port: hostPort)
        for wildcard: UInt8 in [0, 1] {
          batch.addRule(
            chain, "port \(hostPort) in the shell", toPort + [.socketWildcard, .equal([wildcard]), .verdict(.accept)])
        }
        batch.addRule(chain, "port \(hostPort) of the host", toPort + [.tproxy(port: port), .verdict(.accept)])
      }
      // Only the rules below reach the transparent sockets.
      for local in [Self.toLoopback, Self.to(address)] {
        for transport in [Self.tcp, Self.udp] {
          batch.addRule(
            chain, "no way to the transparent port", local + Self.transport(transport, port: port) + [.verdict(.drop)])
        }
      }
      batch.addRule(chain, "loopback", Self.toLoopback + [.verdict(.accept)])
      batch.addRule(chain, "IPv6 loopback", Self.toLoopback6 + [.verdict(.accept)])
      batch.addRule(chain, "the shell's own address", Self.to(address) + [.verdict(.accept)])
      // Multicast and broadcast stay among the shell's programs.
      batch.addRule(chain, "multicast", Self.toPrefix([224, 0, 0, 0], [240, 0, 0, 0]) + [.verdict(.accept)])
      batch.addRule(chain, "broadcast", Self.to(IPv4Address(value: .max)) + [.verdict(.accept)])
      for server in dns {
        for transport in [Self.tcp, Self.udp] {
          batch.addRule(
            chain, "DNS at \(server)", Self.to(server) + Self.transport(transport, port: 53) + [.verdict(.accept)])
        }
      }
      batch.addRule(chain, "TCP", Self.ipv4 + Self.transport(Self.tcp) + [.tproxy(port: port), .verdict(.accept)])
      batch.addRule(chain, "UDP", Self.ipv4 + Self.transport(Self.udp) + [.tproxy(port: port), .verdict(.accept)])
      // Otherwise a wildcard listener of the shell would answer in the cluster's name once the daemon is gone.
      batch.addRule(chain, "drop the rest", [.verdict(.drop)])
    }
    return batch
  }

  // MARK: Conditions

  // NFT_META_NFPROTO.
  private static let ipv4: [RuleExpression] = [.meta(15), .equal([2])]
  private static let toLoopback = ipv4 + [.payload(.network, offset: 16, length: 1), .equal([127])]
  private static let toLoopback6: [RuleExpression] = [
    .meta(15), .equal([10]), .payload(.network, offset: 24, length: 16), .equal([UInt8](repeating: 0, count: 15) + [1]),
  ]

  private static func to(_ address: IPv4Address) -> [RuleExpression] {
    ipv4 + [.payload(.network, offset: 16, length: 4), .equal(address.bytes)]
  }

  private static func toPrefix(_ address: [UInt8], _ mask: [UInt8]) -> [RuleExpression] {
    ipv4 + [.payload(.network, offset: 16, length: 4), .mask(mask), .equal(address)]
  }

  // NFT_META_L4PROTO.
  private static func transport(_ number: UInt8) -> [RuleExpression] { [.meta(16), .equal([number])] }

  private static func transport(_ number: UInt8, port: UInt16) -> [RuleExpression] {
    transport(number) + [
      .payload(.transport, offset: 2, length: 2), .equal([UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]),
    ]
  }
}
