/// Reads a JSON text (RFC 8259) in one pass. `JSONDecoder` tries each type of a value in turn, which
/// takes ten times as long for a list of Pods.
struct JSONParser {
  /// Arrays and objects may nest this deep; the API server allows 10,000, and no real object comes near.
  static let depthLimit = 512

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0

  /// - Throws: `DecodingError.dataCorrupted` with line and column of the mistake.
  static func parse(_ text: [UInt8]) throws(DecodingError) -> JSONValue {
    // The closure's own errors would lose their type.
    let result: Result<JSONValue, DecodingError> = text.withUnsafeBufferPointer { bytes in
      var parser = JSONParser(bytes: bytes)
      do throws(DecodingError) { return .success(try parser.document()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private mutating func document() throws(DecodingError) -> JSONValue {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw error("something follows the value") }
    return value
  }

  private mutating func value() throws(DecodingError) -> JSONValue {
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try number()
    default:
      throw error(position == bytes.count ? "the text ends where a value should begin" : "a value should begin here")
    }
  }

  private mutating func object() throws(DecodingError) -> JSONValue {
    try enter()
    var members: [String: JSONValue] = [:]
    skipSpace()
    if take("}") { return leave(.object(members)) }
    repeat {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw error("a member's name should begin here") }
      let name = try string()
      skipSpace()
      guard take(":") else { throw error("a colon should follow the name '\(name)'") }
      members[name] = try value()
      skipSpace()
    } while take(",")
    guard take("}") else { throw error("a comma or '}' should follow here") }
    return leave(.object(members))
  }

  private mutating func array() throws(DecodingError) -> JSONValue {
    try enter()
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return leave(.array(elements)) }
    repeat {
      elements.append(try value())
      skipSpace()
    } while take(",")
    guard take("]") else { throw error("a comma or ']' should follow here") }
    return leave(.array(elements))
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(DecodingError) -> JSONValue {
    guard rest.starts(with: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)) else {
      throw error("a value should begin here")
    }
    position += word.utf8CodeUnitCount
    return value
  }

  private mutating func number() throws(DecodingError) -> JSONValue {
    let start = position
    var isWhole = true
    _ = take("-")
    let first = peek
    let digits = skipDigits()
    guard digits > 0, digits == 1 || first != UInt8(ascii: "0") else { throw error("this is not a number") }
    if take(".") {
      isWhole = false
      guard skipDigits() > 0 else { throw error("digits should follow the point") }
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      guard skipDigits() > 0 else { throw error("digits should follow the exponent's sign") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let whole = Int64(text) { return .int(whole) }
    guard let double = Double(text), double.isFinite else { throw error("the number \(text) is too large") }
    // -0.0 would be written as -0, which is read as a whole number.
    return .double(double == 0 ? 0 : double)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while let byte = peek, byte &- 48 < 10 { position += 1 }
    return position - start
  }

  private mutating func string() throws(DecodingError) -> String {
    position += 1
    let start = position
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 32 { position += 1 }
    if peek == UInt8(ascii: "\"") {
      position += 1
      return try text(bytes[start..<position - 1])
    }
    var plain = Array(bytes[start..<position])
    while let byte = peek, byte >= 32 {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        return try plain.withUnsafeBufferPointer { buffer throws(DecodingError) in try text(buffer[...]) }
      case UInt8(ascii: "\\"): try escape(&plain)
      default: plain.append(byte)
      }
    }
    throw error(position == bytes.count ? "the text ends inside of a string" : "a string contains a control character")
  }

  private func text(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) throws(DecodingError) -> String {
    guard let text = String(validating: UnsafeBufferPointer(rebasing: bytes), as: UTF8.self) else {
      throw error("the string before is not UTF-8")
    }
    return text
  }

  private mutating func escape(_ plain: inout [UInt8]) throws(DecodingError) {
    guard let byte = peek else { throw error("the text ends inside of a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain.append(byte)
    case UInt8(ascii: "b"): plain.append(8)
    case UInt8(ascii: "f"): plain.append(12)
    case UInt8(ascii: "n"): plain.append(10)
    case UInt8(ascii: "r"): plain.append(13)
    case UInt8(ascii: "t"): plain.append(9)
    case UInt8(ascii: "u"): plain += try scalar().utf8
    default: throw error("this is no escape")
    }
  }

  /// Reads the rest of `\u`, both halves of a surrogate pair. A single half becomes U+FFFD, as in Go's decoder.
  private mutating func scalar() throws(DecodingError) -> Character {
    let high = try hexadecimal()
    if let scalar = Unicode.Scalar(high) { return Character(scalar) }
    let before = position
    if high < 0xDC00, take("\\"), take("u") {
      let low = try hexadecimal()
      if (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      {
        return Character(scalar)
      }
    }
    position = before
    return "\u{FFFD}"
  }

  private mutating func hexadecimal() throws(DecodingError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits should follow '\\u'")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }
  private var rest: Slice<UnsafeBufferPointer<UInt8>> { bytes[position...] }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 32 || byte == 10 || byte == 13 || byte == 9 { position += 1 }
  }

  private mutating func enter() throws(DecodingError) {
    depth += 1
    guard depth <= Self.depthLimit else { throw error("arrays and objects nest deeper than \(Self.depthLimit)") }
    position += 1
  }

  private mutating func leave(_ value: JSONValue) -> JSONValue {
    depth -= 1
    return value
  }

  private func error(_ problem: String) -> DecodingError {
    let before = bytes[..<position]
    let line = before.count { $0 == 10 } + 1
    let column = position - (before.lastIndex(of: 10).map { $0 + 1 } ?? 0) + 1
    return .dataCorrupted(.init(codingPath: [], debugDescription: "line \(line), column \(column): \(problem)"))
  }
}
