/// A part of an nftables rule: it loads values into register 1, compares them, or acts. Values are in network order.
enum RuleExpression: Equatable {
  enum Verdict: UInt32 {
    case drop = 0
    case accept = 1
  }

  enum Base: UInt32 {
    case network = 1
    case transport = 2
  }

  /// Loads a property of the packet (NFT_META_*).
  case meta(UInt32)
  /// Loads bytes of a header.
  case payload(Base, offset: UInt32, length: UInt32)
  /// Keeps the bits of the mask.
  case mask([UInt8])
  /// Continues only if the register is equal.
  case equal([UInt8])
  case notEqual([UInt8])
  /// Continues only if a socket is bound there, and loads whether it is bound to the wildcard address.
  case socketWildcard
  /// Loads a property of the packet's connection (NFT_CT_*).
  case connection(UInt32)
  /// Gives the packet to the transparent socket of this port.
  case tproxy(port: UInt16)
  /// Sends the connection to a port of this host.
  case redirect(port: UInt16)
  case verdict(Verdict)
  /// Runs the rules of another chain, then continues here.
  case jump(String)

  private static let register: UInt32 = 1

  private var name: String {
    switch self {
    case .meta: "meta"
    case .payload: "payload"
    case .mask: "bitwise"
    case .equal, .notEqual: "cmp"
    case .socketWildcard: "socket"
    case .connection: "ct"
    case .tproxy: "tproxy"
    case .redirect: "redir"
    case .verdict, .jump: "immediate"
    }
  }

  func write(to batch: inout NetlinkBatch) {
    switch self {
    case .tproxy(let port), .redirect(let port): Self.load([UInt8(port >> 8), UInt8(truncatingIfNeeded: port)], &batch)
    default: break
    }
    Self.expression(name, &batch) { attributes(&$0) }
  }

  private static func expression(_ name: String, _ batch: inout NetlinkBatch, _ data: (inout NetlinkBatch) -> Void) {
    batch.nested(1) {
      $0.attribute(1, name)
      $0.nested(2, data)
    }
  }

  private static func load(_ value: [UInt8], _ batch: inout NetlinkBatch) {
    expression("immediate", &batch) {
      $0.attribute(1, register)
      $0.nested(2) { $0.attribute(1, value) }
    }
  }

  private func attributes(_ data: inout NetlinkBatch) {
    let register = Self.register
    switch self {
    case .meta(let key), .connection(let key):
      data.attribute(2, key)
      data.attribute(1, register)
    case .payload(let base, let offset, let length):
      data.attribute(1, register)
      data.attribute(2, base.rawValue)
      data.attribute(3, offset)
      data.attribute(4, length)
    case .mask(let mask):
      data.attribute(1, register)
      data.attribute(2, register)
      data.attribute(3, UInt32(mask.count))
      data.nested(4) { $0.attribute(1, mask) }
      data.nested(5) { $0.attribute(1, [UInt8](repeating: 0, count: mask.count)) }
    case .equal(let value), .notEqual(let value):
      data.attribute(1, register)
      if case .equal = self { data.attribute(2, 0) } else { data.attribute(2, 1) }
      data.nested(3) { $0.attribute(1, value) }
    case .socketWildcard:
      data.attribute(1, 2)
      data.attribute(2, register)
    case .tproxy:
      data.attribute(1, 0)
      data.attribute(3, register)
    case .redirect: data.attribute(1, register)
    case .verdict(let verdict):
      data.attribute(1, 0)
      data.nested(2) { $0.nested(2) { $0.attribute(1, verdict.rawValue) } }
    case .jump(let chain):
      data.attribute(1, 0)
      // NFT_JUMP is -3.
      data.nested(2) {
        $0.nested(2) {
          $0.attribute(1, UInt32(bitPattern: -3))
          $0.attribute(2, chain)
        }
      }
    }
  }
}
