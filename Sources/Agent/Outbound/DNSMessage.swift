/// The parts of DNS messages (RFC 1035, section 4.1) that the agent uses: identity and errors.
enum DNSMessage {
  static let headerSize = 12
  static let formatError: UInt8 = 1
  static let serverFailure: UInt8 = 2

  static func isAnswer(_ message: UnsafeRawBufferPointer) -> Bool { message[2] & 0x80 != 0 }
  static func isTruncated(_ message: UnsafeRawBufferPointer) -> Bool { message[2] & 0x02 != 0 }
  static func code(_ message: UnsafeRawBufferPointer) -> UInt8 { message[3] & 0x0f }
  static func questionCount(_ message: UnsafeRawBufferPointer) -> UInt16 {
    UInt16(message[4]) << 8 | UInt16(message[5])
  }

  /// Checks for SERVFAIL, NOTIMP, REFUSED: another server may know better. The Pod's own libc then tries the next.
  static func isHelpless(_ message: UnsafeRawBufferPointer) -> Bool {
    let code = code(message)
    return code == serverFailure || code == 4 || code == 5
  }

  /// Returns the end of the only question; nil without one, for several, or for an invalid one.
  static func questionEnd(_ message: UnsafeRawBufferPointer) -> Int? {
    guard message.count >= headerSize, questionCount(message) == 1 else { return nil }
    var offset = headerSize
    while offset < message.count {
      let length = Int(message[offset])
      offset += 1 + length
      if length == 0 { return offset + 4 <= message.count ? offset + 4 : nil }
      // A label has 63 bytes at most, a name 255; a first name has nothing before it to point to.
      guard length < 64, offset - headerSize < 255 else { return nil }
    }
    return nil
  }

  /// Checks whether an answer repeats the query's question, ignoring case (RFC 4343); errors may come without it.
  static func answers(_ answer: UnsafeRawBufferPointer, _ query: UnsafeRawBufferPointer, questionEnd end: Int) -> Bool {
    if questionCount(answer) == 0 { return code(answer) != 0 }
    guard questionEnd(answer) == end else { return false }
    for index in headerSize..<end where lowercase(answer[index]) != lowercase(query[index]) { return false }
    return true
  }

  private static func lowercase(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte | 0x20 : byte }

  /// Returns an answer to `query` without records: its first `end` bytes, as an error.
  static func error(_ code: UInt8, to query: UnsafeRawBufferPointer, questionEnd end: Int?) -> [UInt8] {
    var message: [UInt8] = []
    for index in 0..<(end ?? headerSize) { message.append(query[index]) }
    message[2] = 0x80 | message[2] & 0x79  // the operation and RD are the query's
    message[3] = 0x80 | code  // recursion is available
    for index in 4..<headerSize { message[index] = 0 }
    if end != nil { message[5] = 1 }
    return message
  }
}
