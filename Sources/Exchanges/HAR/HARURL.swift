/// The URL of a request, apart.
struct HARURL: Hashable {
  /// Host and port, without a user.
  var authority: String
  /// Path and query.
  var target: String

  init(authority: String, target: String) {
    self.authority = authority
    self.target = target
  }

  /// - Returns: nil if the text is no URL of HTTP, or has control characters. Spaces and others that a request line
  ///   cannot have are escaped.
  init?(_ text: String) {
    guard let mark = text.firstRange(of: "://"), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      return nil
    }
    guard ["http", "https", "ws", "wss"].contains(text[..<mark.lowerBound].lowercased()) else { return nil }
    let rest = text[mark.upperBound...].prefix { $0 != "#" }
    let place = rest.prefix { $0 != "/" && $0 != "?" }
    authority = String(place.split(separator: "@", omittingEmptySubsequences: false).last ?? "")
    guard !authority.isEmpty, !authority.utf8.contains(where: { $0 == 0x20 }) else { return nil }
    let path = rest[place.endIndex...]
    var bytes: [UInt8] = path.first == "/" ? [] : [UInt8(ascii: "/")]
    let hex = Array("0123456789ABCDEF".utf8)
    for byte in path.utf8 {
      if byte > 0x20, byte < 0x7F {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    target = String(decoding: bytes, as: UTF8.self)
  }

  /// The names and values of the query, as they were sent.
  static func query(_ target: String) -> [Exchange.Field] {
    guard let mark = target.firstIndex(of: "?") else { return [] }
    return target[target.index(after: mark)...].split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Exchange.Field(String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }
  }
}
