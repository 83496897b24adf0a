/// The first message of a TLS client, as far as rules look at it.
public enum ClientHello: Equatable, Sendable {
  /// More bytes have to come.
  case more
  /// It names no server, or it is none.
  case nameless
  /// The server's name, in small letters.
  case name([UInt8])

  /// A longer one is not looked at.
  private static let limit = 16 << 10
  /// More records are none that a client sends: each read looks at them all.
  private static let mostRecords = 16

  /// Reads the first bytes of a connection: records (RFC 8446, section 5.1) that carry the message.
  public init(_ bytes: [UInt8]) {
    var message = Cursor([])
    var records = Cursor(bytes)
    self = .more
    for _ in 0..<Self.mostRecords {
      let left = records.left
      if left > 0, records.peek(0) != 22 || left > 1 && records.peek(1) != 3 { break }
      guard left >= 5 else { return }
      records.skip(3)
      let length = records.number(2)
      guard length > 0, length <= Self.limit else { break }
      message.bytes += records.part(min(length, records.left))
      if let first = message.bytes.first, first != 1 || message.bytes.count > Self.limit { break }
      var body = message
      body.skip(1)
      if body.left >= 3 {
        let size = body.number(3)
        if size > Self.limit { break }
        if body.left >= size {
          body.bytes.removeLast(body.left - size)
          if let name = body.serverName() { self = .name(name) } else { self = .nameless }
          return
        }
      }
      if left - 5 < length { return }
    }
    self = .nameless
  }
}

/// A place in bytes. Beyond their end there are zeros.
private struct Cursor {
  var bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var left: Int { bytes.count - position }
  func peek(_ offset: Int) -> UInt8 { offset < left ? bytes[position + offset] : 0 }
  mutating func skip(_ count: Int) { position += min(count, left) }

  @inline(never) mutating func number(_ size: Int) -> Int {
    var value = 0
    for offset in 0..<size { value = value << 8 | Int(peek(offset)) }
    skip(size)
    return value
  }

  mutating func part(_ count: Int) -> ArraySlice<UInt8> {
    let start = position
    skip(count)
    return bytes[start..<position]
  }

  /// Reads the body of a ClientHello (RFC 8446, section 4.1.2) up to the server's name (RFC 6066, section 3).
  mutating func serverName() -> [UInt8]? {
    // The version, a random number, the session, the cipher suites and the compression methods.
    skip(34)
    skip(number(1))
    skip(number(2))
    skip(number(1))
    skip(2)
    while left >= 4 {
      let kind = number(2)
      let length = number(2)
      guard kind == 0 else {
        skip(length)
        continue
      }
      // A list, whose first entry is the name of a host.
      skip(2)
      guard number(1) == 0 else { return nil }
      let size = number(2)
      guard size > 0, size + 5 <= length, size <= left else { return nil }
      var name: [UInt8] = []
      for byte in part(size) { name.append(byte.lowercased) }
      return name
    }
    return nil
  }
}
