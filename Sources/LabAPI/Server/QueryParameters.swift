/// The parameters after a URL's `?`, in order.
struct QueryParameters: Sendable {
  private var items: [(name: String, value: String)] = []

  init(parsing text: Substring) {
    items = text.split(separator: "&").map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (
        PercentCoding.decode(parts[0], plusIsSpace: true),
        parts.count > 1 ? PercentCoding.decode(parts[1], plusIsSpace: true) : ""
      )
    }
  }

  subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  func flag(_ name: String) -> Bool { ["true", "1", "True", "TRUE", "t"].contains(self[name] ?? "") }

  /// A whole number; nil where the parameter is absent, empty or no number.
  func number(_ name: String) -> Int? { self[name].flatMap { Int($0) } }
}

/// Percent-encoding (RFC 3986, section 2.1).
enum PercentCoding {
  /// Decodes what is encoded and leaves the rest, broken escapes too.
  static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
