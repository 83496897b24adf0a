/// An IP address and a port, as the tunnel carries them.
public struct Address: Sendable, Equatable {
  /// 4 or 16 bytes; empty for none.
  public var bytes: [UInt8]
  public var port: UInt16

  public init(bytes: [UInt8], port: UInt16) {
    self.bytes = bytes
    self.port = port
  }

  public static let none = Address(bytes: [], port: 0)
}

/// The first bytes of every stream: its kind and destination.
///
/// Layout: kind (1), length of the address or name (1), port (2), address or name. The opener may send
/// data right behind it.
public struct Preamble: Sendable, Equatable {
  public enum Kind: UInt8, Sendable {
    /// Messages between daemon and agent (`ControlMessage`).
    case control = 0
    /// A connection that arrived at the agent: `port` is the Pod's, `address` the client's.
    case inbound = 1
    /// A connection for the agent to open.
    case tcp = 2
    /// A UDP flow for the agent to open; datagrams as `DatagramReader` reads them.
    case udp = 3
    /// Queries for the Pod's name servers, or for the one at `address`; whole DNS messages, framed as datagrams.
    case dns = 4
    /// The files at a path in the agent's container; `port` is a `FileOperation`.
    case file = 5
    /// The session's rules for `port`, which take the place of its former ones: their length in 4 bytes, then the
    /// text. The status says whether they were understood.
    case rules = 6
    /// The requests of connections to `port` that are split, whoever gets them: `WatchedRecord`s, from the agent.
    case exchanges = 7
  }

  /// Bytes before the address or name.
  public static let headSize = 4

  public var kind: Kind
  public var port: UInt16
  /// 4 bytes (IPv4) or 16 (IPv6); any other length is a name, in ASCII. `file`: an absolute path. At most 255 bytes.
  public var address: [UInt8]

  public init(_ kind: Kind, port: UInt16 = 0, address: [UInt8] = []) {
    self.kind = kind
    self.port = port
    self.address = address
  }

  /// A preamble for a host's name, which the other side looks up. A name of 4 or 16 bytes would be an
  /// address, so it gets the root's dot.
  /// - Parameter name: in ASCII. Nil is returned for one that is empty, or longer than a domain name may
  ///   be (RFC 1035 section 3.1).
  public init?(_ kind: Kind, port: UInt16, name: [UInt8]) {
    let bare = name.last == 0x2e ? Array(name[..<(name.count - 1)]) : name
    guard !bare.isEmpty, bare.count <= 253 else { return nil }
    self.init(kind, port: port, address: bare.count == 4 || bare.count == 16 ? bare + [0x2e] : bare)
  }

  public var size: Int { Self.headSize + address.count }

  /// Returns the whole preamble's size, from its first four bytes.
  public static func size(reading head: UnsafeRawPointer) -> Int { headSize + Int(head.loadByte(1)) }

  /// Reads a whole preamble; nil for a kind of another version.
  public init?(reading bytes: UnsafeRawPointer) {
    guard let kind = Kind(rawValue: bytes.loadByte(0)) else { return nil }
    self.kind = kind
    port = bytes.loadBE16(2)
    let count = Int(bytes.loadByte(1))
    address = []
    address.reserveCapacity(count)
    for index in 0..<count { address.append(bytes.loadByte(Self.headSize + index)) }
  }

  /// Writes `size` bytes.
  public func write(to bytes: UnsafeMutableRawPointer) {
    bytes.storeByte(kind.rawValue, 0)
    bytes.storeByte(UInt8(truncatingIfNeeded: address.count), 1)
    bytes.storeBE16(port, 2)
    for index in address.indices { bytes.storeByte(address[index], Self.headSize + index) }
  }
}

/// The first byte from the side that accepted a stream: the result of its connection.
public enum StreamStatus: UInt8, Sendable {
  case connected = 0
  case refused = 1
  case timedOut = 2
  case unreachable = 3
  case nameNotFound = 4
  /// This side does not serve the preamble's kind or port.
  case notServed = 5
  /// Out of descriptors or memory.
  case exhausted = 6
  case failed = 7
}
