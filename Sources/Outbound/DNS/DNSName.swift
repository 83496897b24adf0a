/// A domain name in wire form: labels with their lengths, the root's 0 at the end, no compression (RFC
/// 1035 section 3.1).
public struct DNSName: Sendable, Hashable, CustomStringConvertible {
  /// At most 255 bytes, lower case: names are compared without regard to ASCII case (RFC 4343).
  let wire: [UInt8]

  init(lowercasing wire: some Sequence<UInt8>) { self.wire = wire.map(Self.lowercased) }

  /// Parses `user.shop.svc.cluster.local`, with or without the last dot.
  /// - Throws: `OutboundError` that names the text.
  public init(parsing text: String) throws(OutboundError) {
    guard let name = DNSName(text) else {
      throw OutboundError(
        .badName, "'\(text)' is no domain name",
        remedy: "Write it like svc.cluster.local: labels of 1 to 63 characters, 253 in all.")
    }
    self = name
  }

  /// Nil if the text is not a domain name.
  init?(_ text: String) {
    var wire: [UInt8] = []
    let trimmed = text.hasSuffix(".") ? text.dropLast() : text[...]
    if !trimmed.isEmpty {
      for label in trimmed.split(separator: ".", omittingEmptySubsequences: false) {
        guard (1...63).contains(label.utf8.count), label.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        wire.append(UInt8(label.utf8.count))
        wire += label.utf8.map(Self.lowercased)
      }
    }
    wire.append(0)
    guard wire.count <= 255 else { return nil }
    self.wire = wire
  }

  /// True for the suffix itself and for every name below it.
  public func isWithin(_ suffix: DNSName) -> Bool {
    guard wire.count >= suffix.wire.count else { return false }
    let start = wire.count - suffix.wire.count
    guard wire[start...].elementsEqual(suffix.wire) else { return false }
    var offset = 0
    while offset < start { offset += Int(wire[offset]) + 1 }
    return offset == start
  }

  /// Returns `self` with `suffix` behind it; nil if that is too long.
  func appending(_ suffix: DNSName) -> DNSName? {
    guard wire.count - 1 + suffix.wire.count <= 255 else { return nil }
    return DNSName(lowercasing: wire.dropLast() + suffix.wire)
  }

  /// The labels, without the root's.
  var labels: [String] {
    var labels: [String] = []
    var offset = 0
    while offset < wire.count, wire[offset] != 0, offset + 1 + Int(wire[offset]) <= wire.count {
      labels.append(String(decoding: wire[(offset + 1)..<(offset + 1 + Int(wire[offset]))], as: UTF8.self))
      offset += Int(wire[offset]) + 1
    }
    return labels
  }

  var dots: Int {
    var labels = 0
    var offset = 0
    while offset < wire.count, wire[offset] != 0 {
      labels += 1
      offset += Int(wire[offset]) + 1
    }
    return max(labels - 1, 0)
  }

  /// The text without the last dot; bytes other than printable ASCII are escaped (RFC 1035 section 5.1).
  public var description: String {
    var text = ""
    var offset = 0
    while offset < wire.count, wire[offset] != 0, offset + 1 + Int(wire[offset]) <= wire.count {
      if offset > 0 { text += "." }
      for byte in wire[(offset + 1)..<(offset + 1 + Int(wire[offset]))] {
        if byte == 0x2e || byte == 0x5c {
          text += "\\" + String(UnicodeScalar(byte))
        } else if byte > 0x20, byte < 0x7f {
          text.unicodeScalars.append(UnicodeScalar(byte))
        } else {
          text += "\\" + String(repeating: "0", count: byte > 99 ? 0 : byte > 9 ? 1 : 2) + String(byte)
        }
      }
      offset += Int(wire[offset]) + 1
    }
    return text.isEmpty ? "." : text
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}
