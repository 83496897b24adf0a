import NIOCore

/// A frame of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00, section 2.2), as far as port-forwarding uses them.
enum SPDYFrame: Equatable {
  /// A stream of the client's; the block is still compressed.
  case synStream(stream: UInt32, block: [UInt8], isLast: Bool)
  case synReply(stream: UInt32, block: [UInt8])
  case rstStream(stream: UInt32, status: UInt32)
  case ping(UInt32)
  case goAway
  /// Headers behind the first; the block is still compressed, and must be read to keep the shared state.
  case headers(stream: UInt32, block: [UInt8])
  case data(stream: UInt32, bytes: ByteBuffer, isLast: Bool)
  /// Settings and windows: neither Kubernetes' client nor its server goes by them.
  case other

  /// RST_STREAM's status for a stream that is no longer wanted.
  static let cancel: UInt32 = 5
  /// RST_STREAM's status for a mistake.
  static let protocolError: UInt32 = 1

  private static let finFlag: UInt8 = 1

  // MARK: Reading

  /// Takes one frame from the front; nil while it is not complete.
  /// - Throws: `SPDYError` for what is no SPDY/3.
  static func read(from buffer: inout ByteBuffer) throws -> SPDYFrame? {
    let start = buffer.readerIndex
    guard let first = buffer.getInteger(at: start, as: UInt32.self),
      let second = buffer.getInteger(at: start + 4, as: UInt32.self)
    else {
      return nil
    }
    let length = Int(second & 0xFF_FFFF)
    let flags = UInt8(second >> 24)
    guard buffer.readableBytes >= 8 + length else { return nil }
    buffer.moveReaderIndex(forwardBy: 8)
    guard var body = buffer.readSlice(length: length) else { return nil }
    guard first & 0x8000_0000 != 0 else { return .data(stream: first, bytes: body, isLast: flags & finFlag != 0) }
    guard first >> 16 == 0x8003 else { throw SPDYError(message: "a control frame of another version than SPDY/3") }
    guard let frame = control(type: UInt16(truncatingIfNeeded: first), flags, &body) else {
      throw SPDYError(message: "a control frame of type \(first & 0xFFFF) is too short")
    }
    return frame
  }

  private static func control(type: UInt16, _ flags: UInt8, _ body: inout ByteBuffer) -> SPDYFrame? {
    switch type {
    case 1:
      guard let (stream, _, _) = body.readMultipleIntegers(as: (UInt32, UInt32, UInt16).self) else { return nil }
      return .synStream(
        stream: stream & 0x7FFF_FFFF, block: Array(body.readableBytesView), isLast: flags & finFlag != 0)
    case 2:
      guard let stream = body.readInteger(as: UInt32.self) else { return nil }
      return .synReply(stream: stream & 0x7FFF_FFFF, block: Array(body.readableBytesView))
    case 3:
      guard let (stream, status) = body.readMultipleIntegers(as: (UInt32, UInt32).self) else { return nil }
      return .rstStream(stream: stream & 0x7FFF_FFFF, status: status)
    case 6: return body.readInteger(as: UInt32.self).map { .ping($0) }
    case 7: return .goAway
    case 8:
      guard let stream = body.readInteger(as: UInt32.self) else { return nil }
      return .headers(stream: stream & 0x7FFF_FFFF, block: Array(body.readableBytesView))
    default: return .other
    }
  }

  // MARK: Writing

  func write(to buffer: inout ByteBuffer) {
    switch self {
    case .data(let stream, let bytes, let isLast):
      buffer.writeMultipleIntegers(stream, (isLast ? UInt32(Self.finFlag) << 24 : 0) | UInt32(bytes.readableBytes))
      buffer.writeImmutableBuffer(bytes)
    case .synReply(let stream, let block):
      buffer.writeMultipleIntegers(UInt32(0x8003_0002), UInt32(block.count + 4), stream)
      buffer.writeBytes(block)
    case .synStream(let stream, let block, let isLast):
      let flags = isLast ? UInt32(Self.finFlag) << 24 : 0
      buffer.writeMultipleIntegers(UInt32(0x8003_0001), flags | UInt32(block.count + 10), stream, UInt32(0), UInt16(0))
      buffer.writeBytes(block)
    case .headers(let stream, let block):
      buffer.writeMultipleIntegers(UInt32(0x8003_0008), UInt32(block.count + 4), stream)
      buffer.writeBytes(block)
    case .rstStream(let stream, let status):
      buffer.writeMultipleIntegers(UInt32(0x8003_0003), UInt32(8), stream, status)
    case .ping(let identity): buffer.writeMultipleIntegers(UInt32(0x8003_0006), UInt32(4), identity)
    case .goAway: buffer.writeMultipleIntegers(UInt32(0x8003_0007), UInt32(8), UInt32(0), UInt32(0))
    case .other: break
    }
  }
}

/// The reason why a SPDY connection cannot go on.
struct SPDYError: Error, Sendable {
  var message: String
}
