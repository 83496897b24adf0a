/// The 12 bytes before every yamux frame (hashicorp/yamux, spec.md, "Framing").
public struct FrameHeader: Equatable, Sendable {
  public enum Kind: UInt8, Sendable {
    case data = 0
    case windowUpdate = 1
    case ping = 2
    case goAway = 3
  }

  /// Flags of a frame (spec.md, "Flag Field").
  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let syn = Flags(rawValue: 1)
    public static let ack = Flags(rawValue: 2)
    public static let fin = Flags(rawValue: 4)
    public static let rst = Flags(rawValue: 8)
  }

  public static let size = 12
  static let version: UInt8 = 0

  public var kind: Kind
  public var flags: Flags
  /// 0 is the session itself: pings and go-aways.
  public var stream: UInt32
  /// Bytes of payload (data), credit (window update), opaque value (ping) or reason (go-away).
  public var length: UInt32

  public init(_ kind: Kind, flags: Flags = [], stream: UInt32, length: UInt32) {
    self.kind = kind
    self.flags = flags
    self.stream = stream
    self.length = length
  }

  /// Reads 12 bytes; nil if yamux has no such version or kind.
  public init?(reading bytes: UnsafeRawPointer) {
    guard bytes.loadByte(0) == Self.version, let kind = Kind(rawValue: bytes.loadByte(1)) else { return nil }
    self.init(kind, flags: Flags(rawValue: bytes.loadBE16(2)), stream: bytes.loadBE32(4), length: bytes.loadBE32(8))
  }

  /// Writes 12 bytes.
  public func write(to bytes: UnsafeMutableRawPointer) {
    bytes.storeByte(Self.version, 0)
    bytes.storeByte(kind.rawValue, 1)
    bytes.storeBE16(flags.rawValue, 2)
    bytes.storeBE32(stream, 4)
    bytes.storeBE32(length, 8)
  }
}
