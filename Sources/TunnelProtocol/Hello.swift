// The bytes of the stream before yamux begins: the daemon's hello, then the agent's answer. Both have a fixed length.

/// The daemon's first bytes to an agent.
///
/// Layout: magic (4), version (2), flags (2), holder (8), token (32).
public struct Hello: Sendable {
  public static let size = 48
  public static let magic: UInt32 = 0x4454_4e4c  // "DTNL"
  /// Daemon and agent ship together; another version is refused.
  public static let version: UInt16 = 4
  public static let tokenSize = 32

  public var version = Hello.version
  /// A number for the holder: a session takes the place of the same holder's former one. It is 0 for an agent that an
  /// installation has for itself, such as a gateway.
  public var holder: UInt64
  public var token: [UInt8]

  /// - Parameter token: 32 bytes.
  public init(holder: UInt64 = 0, token: [UInt8]) {
    self.holder = holder
    self.token = token
  }

  /// Reads `Hello.size` bytes; nil if the magic is another program's.
  public init?(reading bytes: UnsafeRawPointer) {
    guard bytes.loadBE32() == Self.magic else { return nil }
    version = bytes.loadBE16(4)
    holder = bytes.loadBE64(8)
    token = [UInt8](repeating: 0, count: Self.tokenSize)
    for index in 0..<Self.tokenSize { token[index] = bytes.loadByte(16 + index) }
  }

  /// Writes `Hello.size` bytes.
  public func write(to bytes: UnsafeMutableRawPointer) {
    bytes.storeBE32(Self.magic)
    bytes.storeBE16(version, 4)
    bytes.storeBE16(0, 6)
    bytes.storeBE64(holder, 8)
    for index in 0..<Self.tokenSize { bytes.storeByte(index < token.count ? token[index] : 0, 16 + index) }
  }

  /// Compares in a time that does not depend on the number of matching bytes.
  public static func tokensMatch(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count, !left.isEmpty else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}

/// The agent's answer: magic (4), version (2), verdict (2).
public struct HelloReply: Sendable {
  public enum Verdict: UInt16, Sendable {
    case welcome = 0
    case wrongVersion = 1
    case wrongToken = 2
    /// The agent has as many sessions as it may, or is another installation's alone.
    case crowded = 3
  }

  public static let size = 8
  public var version: UInt16
  public var verdict: Verdict

  public init(_ verdict: Verdict) {
    version = Hello.version
    self.verdict = verdict
  }

  public init?(reading bytes: UnsafeRawPointer) {
    guard bytes.loadBE32() == Hello.magic, let verdict = Verdict(rawValue: bytes.loadBE16(6)) else { return nil }
    version = bytes.loadBE16(4)
    self.verdict = verdict
  }

  public func write(to bytes: UnsafeMutableRawPointer) {
    bytes.storeBE32(Hello.magic)
    bytes.storeBE16(version, 4)
    bytes.storeBE16(verdict.rawValue, 6)
  }
}

/// The question of the agent's own readiness probe on the control port: magic alone, answered by one byte (1: ready).
public enum ReadinessQuery {
  public static let size = 4
  public static let magic: UInt32 = 0x4454_5251  // "DTRQ"
}
