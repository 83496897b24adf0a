/// The head of a request, as far as rules look at it. Its texts lie in one buffer, which a next request uses again.
public struct RequestHead: Sendable {
  struct Field: Sendable {
    var name: Range<Int>
    var value: Range<Int>
  }

  private(set) var bytes: [UInt8] = []
  private(set) var method = 0..<0
  /// The path and the query; with a scheme and an authority in HTTP/1's absolute form.
  private(set) var target = 0..<0
  private(set) var authority = 0..<0
  /// Of a connection with TLS, which has nothing else.
  private(set) var serverName = 0..<0
  private(set) var fields: [Field] = []

  public init() {}

  /// The size of all texts, bytes.
  public var size: Int { bytes.count }

  /// True if it is small enough to be compared with rules. A few bytes of HTTP/2 can make a head of any size.
  public var isModest: Bool { bytes.count <= 32 << 10 && fields.count <= 256 }

  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    method = 0..<0
    target = 0..<0
    authority = 0..<0
    serverName = 0..<0
  }

  /// Sets the method, such as `GET`.
  public mutating func setMethod(_ text: UnsafeRawBufferPointer) { method = append(text) }

  /// Sets the request target (RFC 9112, section 3.2), or the pseudo-header `:path`.
  public mutating func setTarget(_ text: UnsafeRawBufferPointer) { target = append(text) }

  /// Sets the pseudo-header `:authority`; HTTP/1 has a `host` field.
  public mutating func setAuthority(_ text: UnsafeRawBufferPointer) { authority = append(text) }

  /// Sets the server's name in a ClientHello, in small letters.
  public mutating func setServerName(_ text: UnsafeRawBufferPointer) { serverName = append(text) }

  /// Adds a field. Capital letters of the name become small ones.
  public mutating func addField(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    let start = bytes.count
    for byte in name { bytes.append(byte.lowercased) }
    let nameRange = start..<bytes.count
    fields.append(Field(name: nameRange, value: append(value)))
  }

  private mutating func append(_ text: UnsafeRawBufferPointer) -> Range<Int> {
    let start = bytes.count
    bytes.append(contentsOf: text)
    return start..<bytes.count
  }

  /// Checks whether a part of the head has this text.
  func has(_ range: Range<Int>, _ text: [UInt8]) -> Bool {
    guard range.count == text.count else { return false }
    for index in text.indices where bytes[range.lowerBound + index] != text[index] { return false }
    return true
  }

  /// The path without the query, the fragment and, in absolute form, the scheme and the authority.
  var path: Range<Int> {
    let start = pathStart
    var end = start
    while end < target.upperBound, bytes[end] != 0x3f, bytes[end] != 0x23 { end += 1 }
    return start..<end
  }

  /// The text between the question mark and the fragment.
  var query: Range<Int> {
    let pathEnd = path.upperBound
    guard pathEnd < target.upperBound, bytes[pathEnd] == 0x3f else { return pathEnd..<pathEnd }
    var end = pathEnd + 1
    while end < target.upperBound, bytes[end] != 0x23 { end += 1 }
    return pathEnd + 1..<end
  }

  private var pathStart: Int {
    var index = target.lowerBound
    guard index < target.upperBound, bytes[index] != 0x2f else { return index }
    // "http://user.shop/api": the path begins with the first slash behind "://".
    while index + 2 < target.upperBound {
      if bytes[index] == 0x3a, bytes[index + 1] == 0x2f, bytes[index + 2] == 0x2f {
        index += 3
        while index < target.upperBound, bytes[index] != 0x2f, bytes[index] != 0x3f { index += 1 }
        return index
      }
      index += 1
    }
    return target.lowerBound
  }
}

extension UInt8 {
  /// The small letter of an ASCII capital.
  var lowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
  /// A space or a tab (RFC 9110, section 5.6.3).
  var isBlank: Bool { self == 32 || self == 9 }
  /// True for a byte of a token (RFC 9110, section 5.6.2).
  public var isTokenByte: Bool {
    switch self {
    case 97...122, 65...90, 48...57, 45, 95, 33, 35...39, 42, 43, 46, 94, 96, 124, 126: true
    default: false
    }
  }
}
