/// Finds the frames in one direction of an HTTP/2 connection by their headers (RFC 9113, section 4.1). It keeps no
/// bytes; `HTTP2FrameReader` is for those that look at payloads.
public struct FrameScanner {
  /// Of the frame whose header came last.
  public private(set) var kind: UInt8 = 0
  public private(set) var flags: UInt8 = 0
  public private(set) var stream: UInt32 = 0
  /// Bytes of its payload that are still to come.
  private(set) var left = 0
  private var length = 0
  /// Bytes of the next header that have come.
  private var count = 0

  public init() {}

  public var isBetweenFrames: Bool { left == 0 && count == 0 }

  /// Takes bytes up to the end of a header, of a payload, or of the input.
  /// - Returns: true at the end of a header.
  @inline(never) public mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> Bool {
    if left > 0 {
      let taken = min(left, bytes.count)
      left -= taken
      bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
      return false
    }
    while let byte = bytes.first {
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1...])
      switch count {
      case 0...2: length = length << 8 | Int(byte)
      case 3: kind = byte
      case 4: flags = byte
      default: stream = stream << 8 | UInt32(byte)
      }
      count += 1
      guard count == HTTP2Frame.headerSize else { continue }
      count = 0
      left = length
      length = 0
      stream &= 0x7fff_ffff  // the first bit is reserved
      return true
    }
    return false
  }
}
