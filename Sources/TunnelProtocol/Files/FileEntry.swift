/// The request of a `file` stream (`Preamble.port`).
public enum FileOperation: UInt16, Sendable {
  /// Entries for the path and for everything below it, then `FileEntryHead.end`.
  case contents = 0
  /// 8 bytes that change when the tree does; only the agent knows their contents.
  case signature = 1
}

/// The head of an entry in a file stream: kind (1), mode (2), length of the name (2), size (8). The
/// name and `size` bytes follow.
public struct FileEntryHead: Sendable, Equatable {
  public enum Kind: UInt8, Sendable {
    case directory = 100  // "d"
    /// `size` bytes of contents follow.
    case file = 102  // "f"
    /// A symbolic link; `size` bytes of target follow.
    case link = 108  // "l"
    /// It exists, but cannot be read.
    case unreadable = 120  // "x"
  }

  public static let size = 13
  /// One byte behind the last entry: "e".
  public static let end: UInt8 = 101
  /// The greatest number of entries sent for a tree.
  public static let maximumEntries = 10_000

  public var kind: Kind
  /// Permission bits (chmod(2)).
  public var mode: UInt16
  public var nameLength: Int
  /// Bytes behind the name.
  public var size: UInt64

  public init(_ kind: Kind, mode: UInt16, nameLength: Int, size: UInt64) {
    self.kind = kind
    self.mode = mode
    self.nameLength = nameLength
    self.size = size
  }

  /// Reads `FileEntryHead.size` bytes; nil for a kind of another version.
  public init?(reading bytes: UnsafeRawPointer) {
    guard let kind = Kind(rawValue: bytes.loadByte(0)) else { return nil }
    self.init(kind, mode: bytes.loadBE16(1), nameLength: Int(bytes.loadBE16(3)), size: bytes.loadBE64(5))
  }

  /// Writes `FileEntryHead.size` bytes.
  public func write(to bytes: UnsafeMutableRawPointer) {
    bytes.storeByte(kind.rawValue, 0)
    bytes.storeBE16(mode, 1)
    bytes.storeBE16(UInt16(truncatingIfNeeded: nameLength), 3)
    bytes.storeBE64(size, 5)
  }
}
