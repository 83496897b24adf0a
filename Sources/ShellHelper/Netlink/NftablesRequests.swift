/// Tables, chains and rules of nftables in the `inet` family; numbers from linux/netfilter/nf_tables.h and nfnetlink.h.
extension NetlinkBatch {
  struct Chain {
    var table: String
    var name: String
  }

  enum Hook: UInt32 {
    case prerouting = 0
    case input = 1
    case output = 3
  }

  /// NFT_TABLE_F_OWNER: the table ends with the netlink socket that made it, and no one else may change it.
  static let ownedBySocket: UInt32 = 2

  private static let subsystem: UInt16 = 10
  private static let inet: UInt8 = 1

  /// Puts the requests of `body` into one transaction: all or nothing.
  mutating func transaction(_ body: (inout NetlinkBatch) -> Void) {
    request("begin the nftables transaction", type: 16, flags: [], header: [0, 0, 0, UInt8(Self.subsystem)])
    body(&self)
    request("end the nftables transaction", type: 17, flags: [], header: [0, 0, 0, UInt8(Self.subsystem)])
  }

  private mutating func nftables(
    _ purpose: String, _ message: UInt16, _ flags: Flags, _ body: (inout NetlinkBatch) -> Void
  ) {
    request(
      purpose, type: Self.subsystem << 8 | message, flags: flags.union(.acknowledge), header: [Self.inet, 0, 0, 0], body
    )
  }

  mutating func addTable(_ name: String, flags: UInt32 = 0) {
    nftables("make the nftables table \(name)", 0, [.create, .exclusive]) {
      $0.attribute(1, name)
      $0.attribute(2, flags)
    }
  }

  /// Adds a base chain. Packets that no rule decides pass.
  mutating func addChain(_ chain: Chain, type: String, hook: Hook, priority: Int32) {
    nftables("make the nftables chain \(chain.name) (\(type))", 3, [.create, .exclusive]) {
      $0.attribute(1, chain.table)
      $0.attribute(3, chain.name)
      $0.nested(4) {
        $0.attribute(1, hook.rawValue)
        $0.attribute(2, UInt32(bitPattern: priority))
      }
      $0.attribute(5, 1)
      $0.attribute(7, type)
    }
  }

  /// Adds a chain that packets reach by a rule's `jump` alone.
  mutating func addChain(_ chain: Chain) {
    nftables("make the nftables chain \(chain.name)", 3, [.create, .exclusive]) {
      $0.attribute(1, chain.table)
      $0.attribute(3, chain.name)
    }
  }

  /// Removes all rules of a chain.
  mutating func flush(_ chain: Chain) {
    nftables("empty the nftables chain \(chain.name)", 8, []) {
      $0.attribute(1, chain.table)
      $0.attribute(2, chain.name)
    }
  }

  mutating func addRule(_ chain: Chain, _ purpose: String, _ expressions: [RuleExpression]) {
    nftables("add the nftables rule: \(purpose)", 6, [.create, .append]) {
      $0.attribute(1, chain.table)
      $0.attribute(2, chain.name)
      $0.nested(4) { for expression in expressions { expression.write(to: &$0) } }
    }
  }
}
