/// A request that went to the origin or to a holder, as the agent reports it on an `exchanges` stream.
///
/// Layout: size of what follows (2), holder (8; 0: the origin), duration in µs (8), bytes of the request's body (8), of
/// the answer's (8), status (2; 0: unknown), gRPC status (1; 255: none), 1 for HTTP/2 (1), size of the method (1),
/// method, target. In the place of a record, 4 bytes of 0 are followed by the number of records that were left out (4).
public struct WatchedRecord: Sendable, Equatable {
  public var holder: UInt64
  /// µs.
  public var duration: UInt64
  public var up: UInt64
  public var down: UInt64
  public var status: UInt16
  public var grpcStatus: UInt8
  public var isHTTP2: Bool
  public var method: [UInt8]
  public var target: [UInt8]

  /// With the size.
  public static let headSize = 39
  /// Before the number of records that were left out.
  public static let droppedMark: UInt32 = 0
  static let mostBytes = headSize + 255 + 1024

  /// Writes the head of a record, behind which the method and the target follow.
  /// - Parameters:
  ///   - method: its size.
  ///   - text: the size of both.
  public static func writeHead(
    to place: UnsafeMutableRawPointer, holder: UInt64, duration: UInt64, up: UInt64, down: UInt64, status: UInt16,
    grpcStatus: UInt8, isHTTP2: Bool, method: Int, text: Int
  ) {
    place.storeBE16(UInt16(truncatingIfNeeded: headSize - 2 + text))
    place.storeBE64(holder, 2)
    place.storeBE64(duration, 10)
    place.storeBE64(up, 18)
    place.storeBE64(down, 26)
    place.storeBE16(status, 34)
    place.storeByte(grpcStatus, 36)
    place.storeByte(isHTTP2 ? 1 : 0, 37)
    place.storeByte(UInt8(truncatingIfNeeded: method), 38)
  }
}

/// Reads the records of a stream.
public struct WatchedRecordReader {
  public enum Event: Equatable, Sendable {
    case record(WatchedRecord)
    case dropped(UInt32)
    /// No record; nothing after it can be trusted.
    case failed
  }

  private var bytes: [UInt8] = []
  private var hasFailed = false
  private static let droppedSize = 8

  public init() {}

  /// Takes the next bytes of the stream.
  public mutating func take(_ new: UnsafeRawBufferPointer) -> [Event] {
    guard !hasFailed else { return [] }
    bytes.append(contentsOf: new)
    var events: [Event] = []
    var start = 0
    while bytes.count - start >= 2, !hasFailed {
      let size = Int(bytes[start]) << 8 | Int(bytes[start + 1])
      let total = size == 0 ? Self.droppedSize : 2 + size
      guard size == 0 || total >= WatchedRecord.headSize && total <= WatchedRecord.mostBytes else {
        hasFailed = true
        break
      }
      guard bytes.count - start >= total else { break }
      let event = bytes.withUnsafeBytes { Self.read(UnsafeRawBufferPointer(rebasing: $0[start..<start + total])) }
      start += total
      if event == .failed { hasFailed = true } else { events.append(event) }
    }
    if hasFailed {
      bytes = []
      return events + [.failed]
    }
    bytes.removeFirst(start)
    return events
  }

  private static func read(_ all: UnsafeRawBufferPointer) -> Event {
    guard let base = all.baseAddress else { return .failed }
    if all.count == droppedSize {
      return base.loadBE32() == WatchedRecord.droppedMark ? .dropped(base.loadBE32(4)) : .failed
    }
    let start = WatchedRecord.headSize
    let end = start + Int(all[38])
    guard end <= all.count else { return .failed }
    return .record(
      WatchedRecord(
        holder: base.loadBE64(2), duration: base.loadBE64(10), up: base.loadBE64(18), down: base.loadBE64(26),
        status: base.loadBE16(34), grpcStatus: all[36], isHTTP2: all[37] != 0, method: Array(all[start..<end]),
        target: Array(all[end...])))
  }
}
