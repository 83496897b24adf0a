/// Reads the head of an HTTP/1 request (RFC 9112, sections 3 and 5) whose lines `MessageScanner` has found to be sound.
struct HeadReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// True if the request speaks HTTP/1.0.
  private(set) var isOld = false

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Fills a head.
  /// - Returns: false if servers may read it in different ways: such a request is never split off.
  @inline(never) mutating func read(into head: inout RequestHead) -> Bool {
    head.removeAll()
    guard let method = token(before: 32), let target = target(), version() else { return false }
    head.setMethod(method)
    head.setTarget(target)
    var hosts = 0
    while position < bytes.count, bytes[position] != 13 {
      guard let name = token(before: 58), let value = value() else { return false }
      if isHost(name) { hosts += 1 }
      head.addField(name, value)
    }
    return hosts < 2
  }

  /// Takes a token (RFC 9110, section 5.6.2) and the byte behind it.
  private mutating func token(before end: UInt8) -> UnsafeRawBufferPointer? {
    let start = position
    while position < bytes.count, bytes[position].isTokenByte { position += 1 }
    guard position > start, position < bytes.count, bytes[position] == end else { return nil }
    position += 1
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1])
  }

  /// Takes the request target and the space behind it.
  private mutating func target() -> UnsafeRawBufferPointer? {
    let start = position
    while position < bytes.count, bytes[position] > 32, bytes[position] != 127 { position += 1 }
    guard position > start, position < bytes.count, bytes[position] == 32 else { return nil }
    position += 1
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1])
  }

  /// Takes the version and the end of its line.
  private mutating func version() -> Bool {
    let text: StaticString = "HTTP/1."
    guard bytes.count - position > 9 else { return false }
    for index in 0..<7 where bytes[position + index] != text.utf8Start[index] { return false }
    let minor = bytes[position + 7]
    isOld = minor == 48
    guard minor == 48 || minor == 49, bytes[position + 8] == 13 else { return false }
    position += 10
    return true
  }

  /// Takes the rest of a line, without the blanks around it.
  private mutating func value() -> UnsafeRawBufferPointer? {
    while position < bytes.count, bytes[position].isBlank { position += 1 }
    let start = position
    while position < bytes.count, bytes[position] > 31 || bytes[position] == 9 {
      guard bytes[position] != 127 else { return nil }
      position += 1
    }
    guard position + 1 < bytes.count, bytes[position] == 13 else { return nil }
    var end = position
    while end > start, bytes[end - 1].isBlank { end -= 1 }
    position += 2
    return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
  }

  private func isHost(_ name: UnsafeRawBufferPointer) -> Bool {
    name.count == 4 && name[0] | 0x20 == 104 && name[1] | 0x20 == 111 && name[2] | 0x20 == 115
      && name[3] | 0x20 == 116
  }
}
