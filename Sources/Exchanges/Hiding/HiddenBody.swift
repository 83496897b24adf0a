/// Hides secrets in bodies. A body of which only the beginning was kept is hidden as far as it goes.
enum HiddenBody {
  static func hide(_ body: Exchange.Body?, _ fields: [Exchange.Field]) -> Exchange.Body? {
    guard let body, !body.bytes.isEmpty else { return body }
    func value(_ name: String) -> String {
      fields.last { $0.name.lowercased() == name }?.value.lowercased() ?? ""
    }
    let type = value("content-type")
    let isText = type.contains("json") || type.contains("form") || type.hasPrefix("text/") || type.isEmpty
    let encoding = value("content-encoding")
    if !encoding.isEmpty, encoding != "identity" { return isText ? nil : body }
    guard isText else { return body }
    if type.contains("x-www-form-urlencoded") {
      // A scalar for each byte: some clients call any bytes a form, and what is no text must stay as it is.
      let text = HiddenText.parameters(String(String.UnicodeScalarView(body.bytes.map { Unicode.Scalar($0) })))
      return Exchange.Body(
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, isWhole: body.isWhole)
    }
    if type.contains("multipart/form-data") {
      return Exchange.Body(parts(body.bytes), isWhole: body.isWhole)
    }
    let first = body.bytes.first { $0 > 32 }
    guard type.contains("json") || first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return body }
    return Exchange.Body(json(body.bytes), isWhole: body.isWhole)
  }

  // MARK: JSON

  /// Replaces the values of secret names by `"***"`; all other bytes stay. Broken JSON does no harm.
  static func json(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == 34 else {
        out.append(bytes[index])
        index += 1
        continue
      }
      let end = stringEnd(bytes, index)
      let colon = blanksEnd(bytes, end)
      guard colon < bytes.count, bytes[colon] == 58, SecretNames.look(key(bytes[index..<end])) else {
        out += bytes[index..<end]
        index = end
        continue
      }
      let value = blanksEnd(bytes, colon + 1)
      out += bytes[index..<value]
      index = valueEnd(bytes, value)
      if bytes[value..<index].elementsEqual("null".utf8) {
        out += bytes[value..<index]
      } else if index > value {
        out += Array("\"\(hiddenText)\"".utf8)
      }
    }
    return out
  }

  /// Returns the place behind a string that begins here.
  private static func stringEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    var index = start + 1
    while index < bytes.count {
      if bytes[index] == 92 {
        index += 2
      } else if bytes[index] == 34 {
        return index + 1
      } else {
        index += 1
      }
    }
    return bytes.count
  }

  private static func blanksEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] == 32 || bytes[index] >= 9 && bytes[index] <= 13 { index += 1 }
    return index
  }

  private static func valueEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    var index = start
    var depth = 0
    while index < bytes.count {
      switch bytes[index] {
      case 34:
        index = stringEnd(bytes, index)
        if depth == 0 { return index }
        continue
      case 123, 91: depth += 1
      case 125, 93:
        guard depth > 0 else { return index }
        depth -= 1
        if depth == 0 { return index + 1 }
      case 44, 0...32: if depth == 0 { return index }
      default: break
      }
      index += 1
    }
    return bytes.count
  }

  /// Reads a name with its quotes; `\u0074oken` is a token, too.
  private static func key(_ text: ArraySlice<UInt8>) -> String {
    var bytes: [UInt8] = []
    var rest = text.dropFirst().dropLast()
    while let byte = rest.popFirst() {
      guard byte == 92 else {
        bytes.append(byte)
        continue
      }
      guard let escape = rest.popFirst() else { break }
      if escape == UInt8(ascii: "u"), let value = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) {
        bytes += Array(String(decoding: [value], as: UTF16.self).utf8)
        rest = rest.dropFirst(4)
      } else {
        bytes.append(escape)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Parts of a form

  /// Replaces the contents of parts whose names are secret.
  private static func parts(_ bytes: [UInt8]) -> [UInt8] {
    // The boundary is the first line.
    guard let lineEnd = bytes.firstIndex(of: 13), lineEnd > 2 else { return bytes }
    let boundary = Array(bytes[..<lineEnd])
    var out: [UInt8] = []
    var start = 0
    while start < bytes.count {
      let next = find([13, 10] + boundary, in: bytes, from: start + 1).map { $0 + 2 } ?? bytes.count
      let part = Array(bytes[start..<next])
      if let head = find([13, 10, 13, 10], in: part, from: 0), isSecret(Array(part[..<head])) {
        out += part[..<(head + 4)]
        out += Array(hiddenText.utf8)
        if next < bytes.count { out += [13, 10] }
      } else {
        out += part
      }
      start = next
    }
    return out
  }

  private static func isSecret(_ head: [UInt8]) -> Bool {
    let text = String(decoding: head, as: UTF8.self)
    for piece in text.split(whereSeparator: { $0 == ";" || $0.isNewline }) {
      let pair = piece.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, pair[0].filter({ !$0.isWhitespace }).lowercased() == "name" else { continue }
      if SecretNames.look(pair[1].filter { $0 != "\"" }) { return true }
    }
    return false
  }

  private static func find(_ text: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count >= text.count, start >= 0 else { return nil }
    var index = start
    while index + text.count <= bytes.count {
      if bytes[index] == text[0], bytes[index..<index + text.count].elementsEqual(text) { return index }
      index += 1
    }
    return nil
  }
}
