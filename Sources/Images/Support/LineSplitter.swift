/// Splits bytes into lines. Text that a carriage return overwrites is dropped, and so are a line's bytes beyond 4,096.
struct LineSplitter {
  private static let limit = 4096
  private var pending: [UInt8] = []

  /// - Returns: the lines that are complete now.
  mutating func split(_ bytes: UnsafeRawBufferPointer) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") { lines.append(take()) } else if pending.count < Self.limit { pending.append(byte) }
    }
    return lines
  }

  /// Returns the text after the last line break.
  mutating func rest() -> String? { pending.isEmpty ? nil : take() }

  private mutating func take() -> String {
    defer { pending.removeAll(keepingCapacity: true) }
    var bytes = pending[...]
    while bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    if let start = bytes.lastIndex(of: UInt8(ascii: "\r")) { bytes = bytes[(start + 1)...] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
