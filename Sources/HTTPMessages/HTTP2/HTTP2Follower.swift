/// Follows one direction of an HTTP/2 connection from its first frame (a client's preface is left out): heads, decoded,
/// and the payload of DATA. It fails where the connection is wrong or uses a push.
public final class HTTP2Follower {
  public enum Event {
    /// The input is used up.
    case more
    /// A header block: `eachField` has it until the next call.
    case head(stream: UInt32, isLast: Bool)
    /// A part of a body, valid until the next call.
    case data(stream: UInt32, UnsafeRawBufferPointer, isLast: Bool)
    case reset(stream: UInt32, code: UInt32)
    /// The largest table that the sender of this direction lets the other one's encoder use.
    case tableSize(Int)
    case failed
  }

  private let reader = HTTP2FrameReader(
    collected: 1 << UInt32(HTTP2Frame.headers) | 1 << UInt32(HTTP2Frame.reset) | 1 << UInt32(HTTP2Frame.settings)
      | 1 << UInt32(HTTP2Frame.pushPromise) | 1 << UInt32(HTTP2Frame.continuation))
  private let block = HTTP2HeaderBlock()
  private let decoder = HPACKDecoder()
  private let list = HeaderList()
  /// Bytes of a DATA frame that are still to come, without padding; `isPadded` until the size of that is known.
  private var left = 0
  private var isPadded = false

  /// The largest frame of a kind that is collected.
  private static let frameLimit = 160 << 10
  /// The largest table that is followed.
  private static let tableLimit = 64 << 10

  public init() { reader.maximum = Self.frameLimit }

  /// Sets the largest table that this direction's encoder may use, as the other direction's settings say.
  public func allowTable(_ size: Int) { decoder.limit = min(max(size, decoder.limit), Self.tableLimit) }

  /// True if the head has more fields than are kept; it has none then.
  public var isTooLong: Bool { list.isTooLong }

  /// Calls with each field of the last head.
  public func eachField(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    for field in list.fields { body(list.name(field), list.value(field)) }
  }

  /// Takes bytes up to the next event.
  public func next(_ input: inout UnsafeRawBufferPointer) -> Event {
    while true {
      switch reader.next(&input) {
      case .more: return .more
      case .tooLong: return .failed
      case .header:
        guard !block.isOpen else { return .failed }
        if let event = dataBegins() { return event }
      case .piece(let piece):
        guard reader.kind == HTTP2Frame.data else { continue }
        if let event = data(piece) { return event }
      case .frame(let frame): if let event = whole(frame) { return event }
      }
    }
  }

  private var endsStream: Bool { reader.has(HTTP2Frame.Flag.endStream) }

  private func dataBegins() -> Event? {
    guard reader.kind == HTTP2Frame.data else { return nil }
    left = reader.length
    isPadded = reader.has(HTTP2Frame.Flag.padded)
    guard reader.length == 0 else { return nil }
    if isPadded { return .failed }
    return endsStream ? .data(stream: reader.stream, UnsafeRawBufferPointer(start: nil, count: 0), isLast: true) : nil
  }

  private func data(_ piece: UnsafeRawBufferPointer) -> Event? {
    var payload = piece
    if isPadded, let first = piece.first {
      isPadded = false
      left -= 1 + Int(first)
      guard left >= 0 else { return .failed }
      payload = payload.behind(1)
    }
    payload = payload.first(left)
    left -= payload.count
    let isLast = reader.left == 0 && endsStream
    return payload.isEmpty && !isLast ? nil : .data(stream: reader.stream, payload, isLast: isLast)
  }

  private func whole(_ frame: UnsafeRawBufferPointer) -> Event? {
    let payload = frame.behind(HTTP2Frame.headerSize)
    guard !block.isOpen || reader.kind == HTTP2Frame.continuation else { return .failed }
    switch reader.kind {
    case HTTP2Frame.reset:
      return payload.count == 4 ? .reset(stream: reader.stream, code: payload.number32(0)) : .failed
    case HTTP2Frame.settings:
      guard !reader.has(HTTP2Frame.Flag.ack) else { return nil }
      var size = -1
      HTTP2ClientSettings.each(payload) { if $0 == HTTP2Frame.Setting.headerTableSize { size = max(size, $1) } }
      return size < 0 ? nil : .tableSize(size)
    case HTTP2Frame.headers, HTTP2Frame.continuation:
      switch block.take(reader, frame) {
      case .more: return nil
      case .wrong, .tooLong: return .failed
      case .complete(let bytes):
        let isSound = decoder.decode(bytes, into: list)
        let (stream, isLast) = (block.stream, block.isLast)
        block.clear()
        return isSound ? .head(stream: stream, isLast: isLast) : .failed
      }
    default: return .failed
    }
  }
}
