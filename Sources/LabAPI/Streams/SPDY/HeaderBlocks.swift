/// The header blocks of one SPDY connection: names and values with their lengths, one zlib stream in each direction.
struct HeaderBlocks {
  /// A block of a port-forward has three short headers.
  private static let limit = 64 * 1024

  private let inflater = Inflater(dictionary: SPDYDictionary.bytes)
  private let deflater = StoringDeflater()

  /// - Throws: `SPDYError`; the connection's compression is then out of step for good.
  func decode(_ block: [UInt8]) throws -> [String: String] {
    guard let bytes = inflater.inflated(block, limit: Self.limit) else {
      throw SPDYError(message: "a header block that zlib cannot read")
    }
    var rest = bytes[...]
    var headers: [String: String] = [:]
    for _ in 0..<(try Self.number(&rest)) {
      let name = try Self.text(&rest).lowercased()
      headers[name] = try Self.text(&rest)
    }
    return headers
  }

  func encode(_ headers: [String: String]) -> [UInt8] {
    var bytes = Self.bigEndian(headers.count)
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
      for text in [name, value] { bytes += Self.bigEndian(text.utf8.count) + Array(text.utf8) }
    }
    return deflater.deflated(bytes)
  }

  private static func bigEndian(_ number: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private static func number(_ bytes: inout ArraySlice<UInt8>) throws -> Int {
    guard bytes.count >= 4 else { throw SPDYError(message: "a header block that ends early") }
    defer { bytes = bytes.dropFirst(4) }
    return bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
  }

  private static func text(_ bytes: inout ArraySlice<UInt8>) throws -> String {
    let length = try number(&bytes)
    guard bytes.count >= length else { throw SPDYError(message: "a header block that ends early") }
    defer { bytes = bytes.dropFirst(length) }
    return String(decoding: bytes.prefix(length), as: UTF8.self)
  }
}
