/// The head of an HTTP/1 message whose lines `MessageScanner` has found to be sound.
struct HTTP1Head {
  var start: [UInt8]
  var fields: [HeadField] = []

  /// - Returns: nil if a line is no field.
  init?(_ bytes: [UInt8]) {
    var lines: [ArraySlice<UInt8>] = []
    var first = 0
    for index in bytes.indices where bytes[index] == 10 {
      guard index > first, bytes[index - 1] == 13 else { return nil }
      lines.append(bytes[first..<(index - 1)])
      first = index + 1
    }
    guard first == bytes.count, lines.count >= 2, lines[lines.count - 1].isEmpty else { return nil }
    start = Array(lines[0])
    for line in lines[1..<(lines.count - 1)] {
      guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex else { return nil }
      var (begin, end) = (colon + 1, line.endIndex)
      while begin < end, line[begin].isBlank { begin += 1 }
      while end > begin, line[end - 1].isBlank { end -= 1 }
      fields.append(HeadField(Array(line[..<colon]), Array(line[begin..<end])))
    }
  }

  var bytes: [UInt8] {
    var bytes = start + [13, 10]
    for field in fields { bytes += field.name + [0x3a, 0x20] + field.value + [13, 10] }
    return bytes + [13, 10]
  }

  /// The parts of a request's first line; nil if it is none.
  var requestLine: (method: [UInt8], target: [UInt8], version: [UInt8])? {
    let parts = start.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    let version = Array(parts[2])
    guard version.equals("http/1.1") || version.equals("http/1.0") else { return nil }
    return (Array(parts[0]), Array(parts[1]), version)
  }

  /// The status of an answer; nil if it is none.
  var status: Int? {
    guard start.count >= 12, start.startsLike(Array(bytes: "http/1.")), start[8] == 0x20 else { return nil }
    var status = 0
    for byte in start[9..<12] {
      guard (48...57).contains(byte) else { return nil }
      status = status * 10 + Int(byte) - 48
    }
    return status
  }

  /// Removes all fields of a name, in small letters.
  /// - Returns: the first one's value.
  mutating func take(_ name: StaticString) -> [UInt8]? {
    var value: [UInt8]?
    for field in fields where field.isNamed(name) && value == nil { value = field.value }
    fields.removeAll { $0.isNamed(name) }
    return value
  }

  /// True if the answer may hand the connection to another protocol. HTTP/2 is left out: its requests would need to be
  /// rewritten in another way, and all clients are content with HTTP/1.1.
  var leavesHTTP1: Bool {
    mutating get {
      guard let index = fields.firstIndex(where: { $0.isNamed("upgrade") }) else { return false }
      guard Self.hasH2C(fields[index].value) else { return true }
      fields.removeAll { $0.isNamed("upgrade") || $0.isNamed("http2-settings") }
      for index in fields.indices where fields[index].isNamed("connection") {
        var kept: [UInt8] = []
        for option in fields[index].value.split(separator: 0x2c) {
          let name = Array(option.drop { $0.isBlank })
          guard !name.startsLike(Array(bytes: "upgrade")), !name.startsLike(Array(bytes: "http2-settings")) else {
            continue
          }
          if !kept.isEmpty { kept.append(0x2c) }
          kept += option
        }
        fields[index].value = kept
      }
      fields.removeAll { $0.isNamed("connection") && $0.value.isEmpty }
      return false
    }
  }

  private static func hasH2C(_ text: [UInt8]) -> Bool {
    if text.count > 1024 { return true }
    for start in text.indices where Array(text[start...]).startsLike(Array(bytes: "h2c")) { return true }
    return false
  }
}
