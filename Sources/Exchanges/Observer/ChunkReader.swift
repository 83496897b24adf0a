/// Takes the framing off a body in chunks (RFC 9112, section 7.1) that `MessageScanner` has found to be sound.
struct ChunkReader {
  private enum State { case size, extensions, data, end, trailer }
  private var state = State.size
  private var left = 0
  /// Trailers behind a line feed.
  private(set) var trailer: [UInt8] = []
  private static let trailerLimit = 16 << 10

  /// Takes bytes, and calls with each part of the body.
  mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    var index = 0
    while index < bytes.count {
      if state == .data {
        let count = min(left, bytes.count - index)
        body(UnsafeRawBufferPointer(rebasing: bytes[index..<index + count]))
        index += count
        left -= count
        if left == 0 { state = .end }
        continue
      }
      let byte = bytes[index]
      index += 1
      switch state {
      case .size:
        if let digit = Self.digit(byte) { left = left &* 16 &+ digit } else { sizeEnded(byte) }
      case .extensions: sizeEnded(byte)
      case .end: if byte == 10 { state = .size }
      case .trailer: if trailer.count < Self.trailerLimit { trailer.append(byte) }
      case .data: break
      }
    }
  }

  private mutating func sizeEnded(_ byte: UInt8) {
    state = .extensions
    guard byte == 10 else { return }
    state = left > 0 ? .data : .trailer
    if left == 0 { trailer = [10] }
  }

  private static func digit(_ byte: UInt8) -> Int? {
    switch byte {
    case 48...57: Int(byte) - 48
    case 65...70: Int(byte) - 55
    case 97...102: Int(byte) - 87
    default: nil
    }
  }
}
