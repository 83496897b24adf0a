/// The client's sending half of RFC 6455: whole messages in single frames, masked in place.
///
/// Never fragmented: API servers lose continuation frames of a port-forward.
struct FrameWriter {
  enum Opcode: UInt8 {
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10
  }

  /// The longest head: 2 bytes, 8 of length, 4 of mask.
  static let maximumHead = 14

  private var keys = MaskKeys()

  /// Masks `count` bytes at `payload` and writes the head right before them; returns the frame's beginning.
  mutating func seal(_ opcode: Opcode, _ payload: UnsafeMutableRawPointer, count: Int) -> UnsafeMutableRawPointer {
    let key = keys.next()
    let extended = count < 126 ? 0 : count < 65536 ? 2 : 8
    let start = payload - (2 + extended + 4)
    start.storeBytes(of: 0x80 | opcode.rawValue, as: UInt8.self)
    switch extended {
    case 0: start.storeBytes(of: 0x80 | UInt8(count), toByteOffset: 1, as: UInt8.self)
    case 2:
      start.storeBytes(of: 0xfe, toByteOffset: 1, as: UInt8.self)
      start.storeBytes(of: UInt16(count).bigEndian, toByteOffset: 2, as: UInt16.self)
    default:
      start.storeBytes(of: 0xff, toByteOffset: 1, as: UInt8.self)
      start.storeBytes(of: UInt64(count).bigEndian, toByteOffset: 2, as: UInt64.self)
    }
    (payload - 4).storeBytes(of: key, as: UInt32.self)
    Self.mask(payload, count: count, key: key)
    return start
  }

  /// Returns a whole small frame, for control frames and prologues.
  mutating func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.maximumHead) + payload
    let skipped = bytes.withUnsafeMutableBytes { buffer in
      seal(opcode, buffer.baseAddress! + Self.maximumHead, count: payload.count) - buffer.baseAddress!
    }
    return Array(bytes.dropFirst(skipped))
  }

  /// XORs the payload with the key in its memory order (section 5.3), eight bytes at a time, which the
  /// compiler vectorises.
  static func mask(_ payload: UnsafeMutableRawPointer, count: Int, key: UInt32) {
    let wide = UInt64(key) | UInt64(key) << 32
    let words = count / 8
    for index in 0..<words {
      let offset = index &* 8
      payload.storeBytes(
        of: payload.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide, toByteOffset: offset, as: UInt64.self
      )
    }
    for offset in words * 8..<count {
      let byte = UInt8(truncatingIfNeeded: key >> UInt32(8 * (offset & 3)))
      payload.storeBytes(
        of: payload.load(fromByteOffset: offset, as: UInt8.self) ^ byte, toByteOffset: offset, as: UInt8.self)
    }
  }
}

/// Masking keys from the system's generator, 256 at a time: unpredictable, as section 5.3 requires,
/// without a system call for each frame.
private struct MaskKeys {
  private var keys: [UInt32] = []

  mutating func next() -> UInt32 {
    if keys.isEmpty {
      var generator = SystemRandomNumberGenerator()
      keys = (0..<256).map { _ in generator.next() }
    }
    return keys.removeLast()
  }
}
