import FoundationEssentials

/// The properties of a private key that are readable without its passphrase.
enum PrivateKeyFile {
  /// Checks for encryption: OpenSSH's own format names the cipher (PROTOCOL.key of OpenSSH); PEM says so in words.
  static func isEncrypted(_ bytes: [UInt8]) -> Bool {
    guard let content = openSSH(bytes) else {
      let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
      return text.contains("ENCRYPTED")
    }
    return cipher(content) != "none"
  }

  /// Returns "ssh-ed25519" or another type; empty if unknown.
  static func type(_ bytes: [UInt8], _ file: String) -> String {
    guard let content = openSSH(bytes) else {
      return String(decoding: bytes.prefix(64), as: UTF8.self).contains("RSA PRIVATE KEY") ? "ssh-rsa" : ""
    }
    // Magic, cipher, KDF, its options, the number of keys, the public key.
    var rest = content.dropFirst(magic.count)
    for _ in 0..<3 { _ = string(&rest) }
    rest = rest.dropFirst(4)
    guard let key = string(&rest) else { return "" }
    return key.withUnsafeBytes { HostKeyCheck.type($0) }
  }

  private static let magic = Array("openssh-key-v1\0".utf8)

  private static func openSSH(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let first = lines.firstIndex(where: { $0.contains("BEGIN OPENSSH PRIVATE KEY") }),
      let last = lines.firstIndex(where: { $0.contains("END OPENSSH PRIVATE KEY") }), first < last,
      let content = Data(base64Encoded: lines[(first + 1)..<last].joined()), content.starts(with: magic)
    else { return nil }
    return Array(content)[...]
  }

  private static func cipher(_ content: ArraySlice<UInt8>) -> String {
    var rest = content.dropFirst(magic.count)
    return string(&rest).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// Reads a `string` of RFC 4251, section 5.
  private static func string(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard rest.count >= 4 else { return nil }
    let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    rest = rest.dropFirst(4)
    guard rest.count >= length else { return nil }
    defer { rest = rest.dropFirst(length) }
    return rest.prefix(length)
  }
}
