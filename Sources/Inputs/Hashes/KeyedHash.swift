/// HMAC-SHA-256 (RFC 2104): shows to a holder of the key that two texts are the same, and to others nothing. A plain
/// hash of a short secret is found by trying.
public struct KeyedHash: Sendable {
  private let key: [UInt8]

  /// - Parameter key: 32 random bytes; at most 64.
  public init(key: [UInt8]) { self.key = Array(key.prefix(64)) + [UInt8](repeating: 0, count: max(0, 64 - key.count)) }

  /// Returns 64 hexadecimal digits.
  public func hash(_ text: String) -> String {
    var inner = SHA256()
    key.map { $0 ^ 0x36 }.withUnsafeBytes { inner.update($0) }
    inner.update(text)
    var outer = SHA256()
    key.map { $0 ^ 0x5C }.withUnsafeBytes { outer.update($0) }
    inner.finish().bytes.withUnsafeBytes { outer.update($0) }
    return outer.finish().description
  }
}
