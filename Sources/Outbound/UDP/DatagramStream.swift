import Relay
import TunnelProtocol

/// A stream of datagrams, each behind its length (2 bytes, big-endian). The preamble comes before them in one
/// direction, one `StreamStatus` in the other.
class DatagramStream: StreamEnd {
  enum End: Equatable {
    /// The peer has ended its direction: nothing more will come.
    case finished
    case reset
    case sessionClosed
    /// Any status but `connected`.
    case refused(StreamStatus)
  }

  private var outbox: [UInt8]
  private var outboxStart = 0
  private var inbox: [UInt8] = []
  private(set) var isOver = false
  private(set) var status: StreamStatus?
  private static let outboxLimit = 256 << 10

  init(session: Session, slot: Int, preamble: Preamble) {
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    super.init(session: session, slot: slot)
  }

  /// Takes a datagram of the peer. The bytes are gone after the call.
  func datagram(_ bytes: UnsafeRawBufferPointer) {}
  /// The stream is over, and has been released.
  func over(_ end: End) {}

  /// Returns false if the datagram was dropped, since too many wait.
  func send(_ datagram: UnsafeRawBufferPointer) -> Bool {
    guard !isOver, datagram.count <= 65_535, outbox.count - outboxStart + datagram.count <= Self.outboxLimit else {
      return false
    }
    outbox.append(UInt8(datagram.count >> 8))
    outbox.append(UInt8(truncatingIfNeeded: datagram.count))
    outbox.append(contentsOf: datagram)
    session.wantsToSend(self)
    return true
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(capacity, outbox.count - outboxStart)
    guard count > 0 else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress! + outboxStart, byteCount: count) }
    outboxStart += count
    guard outboxStart == outbox.count else { return .bytes(count, more: true) }
    outbox.removeAll(keepingCapacity: outbox.capacity <= 4 << 10)
    outboxStart = 0
    return .bytes(count, more: false)
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    var rest = bytes
    if status == nil, let first = rest.first {
      let answer = StreamStatus(rawValue: first) ?? .failed
      status = answer
      guard answer == .connected else { return end(.refused(answer)) }
      rest = UnsafeRawBufferPointer(rebasing: rest[1...])
    }
    if inbox.isEmpty {
      inbox += rest[take(rest)...]
    } else {
      inbox += rest
      let whole = inbox
      inbox = []
      whole.withUnsafeBytes { inbox += $0[take($0)...] }
    }
  }

  /// Hands out the complete datagrams at the front. Returns the number of bytes that they took.
  private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    var offset = 0
    while !isOver, bytes.count - offset >= 2 {
      let length = Int(bytes.baseAddress!.loadBE16(offset))
      guard bytes.count - offset - 2 >= length else { break }
      datagram(UnsafeRawBufferPointer(rebasing: bytes[(offset + 2)..<(offset + 2 + length)]))
      offset += 2 + length
    }
    return offset
  }

  override func finished() { end(.finished) }
  override func wasReset() { end(.reset) }
  override func sessionClosed() { end(.sessionClosed) }
  override func abort() { end(.reset) }

  /// Ends the stream from this side without a call back.
  func close() {
    guard !isOver else { return }
    isOver = true
    outbox = []
    outboxStart = 0
    session.release(self)
  }

  private func end(_ reason: End) {
    guard !isOver else { return }
    close()
    over(reason)
  }
}
