/// An IPv4 address in host byte order.
struct IPv4Address: Equatable, CustomStringConvertible {
  var value: UInt32

  init(value: UInt32) { self.value = value }

  /// Reads four decimal numbers with dots between (RFC 6943, section 3.1.1, strict form).
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    value = 0
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let byte = UInt8(part)
      else { return nil }
      value = value << 8 | UInt32(byte)
    }
  }

  /// The four bytes in network order.
  var bytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
  var isLoopback: Bool { value >> 24 == 127 }
  var description: String { bytes.map { "\($0)" }.joined(separator: ".") }
}
