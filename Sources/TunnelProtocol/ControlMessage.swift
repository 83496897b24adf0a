/// A message between daemon and agent on the control stream.
///
/// Layout: type (1), verdict or flag (1), port (2), two counters (8 + 8): 20 bytes, so that a reader's
/// only state is a count.
public struct ControlMessage: Sendable, Equatable {
  public enum Kind: UInt8, Sendable {
    /// Daemon: new connections to `port` go to the host, or, with `matching`, the requests that match the rules that
    /// the session has sent for that port. A session may have both turns, each with a count of its own; each takes
    /// the place of its former one. `flag`: `passesRefusals`, `matching`; `first`: the count of the holder's claim;
    /// `second`: the time in ms after which connections on the origin end that do not come home by themselves, 0 for
    /// never. Agent: done (`flag` 0), `laterClaim`, whose count is `first`, or `noRules`.
    case turnToHost = 1
    /// Daemon: the session's turn of all of `port` ends, or, with `flag` `matching`, that of the requests that match
    /// its rules. Port 0 ends every turn of the session.
    case turnToOrigin = 2
    /// Daemon: `admit` (`flag` 0) or `retire` (1).
    case readiness = 3
    /// Daemon: try the origin on `port`. Agent: `flag` is the `StreamStatus`, `first` the number of origin addresses.
    case probeOrigin = 4
    /// Daemon: report the counters of `port`. Agent: `first` connections went to the host, `second` to the origin; with
    /// `flag` `copies`: `first` requests were copied, the copies of `second` are lost.
    case counters = 5
    /// Agent: a connection to `port` fell back to the origin; `flag` is the host's `StreamStatus`
    /// (`timedOut`: not acknowledged).
    case fellBack = 6
    /// Agent: it has had SIGTERM and will end. Its connections go to the origin.
    case terminating = 7
    /// Daemon: count the connections to `port` that are on the origin now. Agent: their numbers, for each
    /// `OriginReason`.
    case onOrigin = 8
    /// Agent: the host takes connections to `port` again; those on the origin come home.
    case hostAnswers = 9
    /// Agent: another session has turned `port` to itself, or, with `flag` `matching`, one of our rules of the port.
    case superseded = 10
  }

  /// A flag of `turnToHost`: a refusal of the host is passed on to the client.
  public static let passesRefusals: UInt8 = 1
  /// A flag of `turnToHost`, `turnToOrigin` and `superseded`: it is about the requests that match the session's rules
  /// of the port.
  public static let matching: UInt8 = 2
  /// A flag of `counters`: it is about copies.
  public static let copies: UInt8 = 4
  /// A flag of an answer to `turnToHost`: a later claim is known.
  public static let laterClaim: UInt8 = 1
  /// A flag of an answer to `turnToHost`: the session has no rules for the port.
  public static let noRules: UInt8 = 2

  /// Lets the session alone make the agent ready; otherwise the origin must answer, too.
  public static let admit = ControlMessage(.readiness, flag: 0)
  /// Makes the agent fail its readiness from now on.
  public static let retire = ControlMessage(.readiness, flag: 1)

  /// Bytes of a message.
  public static let size = 20

  public var kind: Kind
  public var flag: UInt8
  public var port: UInt16
  public var first: UInt64
  public var second: UInt64

  public init(_ kind: Kind, port: UInt16 = 0, flag: UInt8 = 0, first: UInt64 = 0, second: UInt64 = 0) {
    self.kind = kind
    self.flag = flag
    self.port = port
    self.first = first
    self.second = second
  }

  /// Counts a connection in an answer to `onOrigin`; there are fewer than 65,536.
  public mutating func count(_ reason: OriginReason) {
    let one: UInt64 = 1 << (48 - 16 * UInt64(reason.rawValue & 3))
    if reason.rawValue < 4 { first &+= one } else { second &+= one }
  }

  /// The number of connections on the origin for each `OriginReason`, by its number.
  public var onOrigin: [Int] {
    var counts: [Int] = []
    for packed in [first, second] {
      for shift in [48, 32, 16, 0] as [UInt64] { counts.append(Int(packed >> shift & 0xffff)) }
    }
    return counts
  }

  /// Reads `ControlMessage.size` bytes; nil for a kind of another version.
  public init?(reading bytes: UnsafeRawPointer) {
    guard let kind = Kind(rawValue: bytes.loadByte(0)) else { return nil }
    self.kind = kind
    flag = bytes.loadByte(1)
    port = bytes.loadBE16(2)
    first = bytes.loadBE64(4)
    second = bytes.loadBE64(12)
  }

  /// Writes `ControlMessage.size` bytes.
  public func write(to bytes: UnsafeMutableRawPointer) {
    bytes.storeByte(kind.rawValue, 0)
    bytes.storeByte(flag, 1)
    bytes.storeBE16(port, 2)
    bytes.storeBE64(first, 4)
    bytes.storeBE64(second, 12)
  }
}

/// The reason why a connection is on the origin.
public enum OriginReason: UInt8, Sendable, CaseIterable {
  /// It came before its port was turned to the host.
  case notTurned = 0
  case refused = 1
  /// The host did not acknowledge it in time.
  case timedOut = 2
  case unreachable = 3
  /// There was no session, or a silent one.
  case noSession = 4
  /// The host serves no such port.
  case notServed = 5
  /// The host has as many connections as it may.
  case exhausted = 6
  case failed = 7

  public static let count = 8

  public init(_ status: StreamStatus) {
    self = status == .nameNotFound ? .unreachable : Self(rawValue: status.rawValue) ?? .failed
  }
}
