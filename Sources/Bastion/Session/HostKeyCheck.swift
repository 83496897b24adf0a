import CSSH2
import FoundationEssentials

/// The server's key after a handshake, and its judgement.
struct HostKeyCheck {
  let settings: BastionSettings
  let known: KnownHosts

  init(_ settings: BastionSettings) {
    self.settings = settings
    // An alias has no port (ssh_config(5), HostKeyAlias).
    known = KnownHosts(
      files: settings.knownHostsFiles, host: settings.hostKeyAlias ?? settings.host,
      port: settings.hostKeyAlias == nil ? settings.port : 22)
  }

  /// Asks, before the handshake, for the known types of keys first.
  func prefer(in session: SSHSession) {
    let all = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
    let first = all.filter(known.keyTypes.contains)
    libssh2_session_method_pref(
      session.pointer, LIBSSH2_METHOD_HOSTKEY, (first + all.filter { !first.contains($0) }).joined(separator: ","))
  }

  /// Judges the key, after the handshake.
  /// - Throws: `BastionError.hostKeyUnknown` or `.hostKeyChanged`; `.config` if an accepted key cannot be written.
  func check(_ session: SSHSession) throws(BastionError) {
    var length = 0
    var number: Int32 = 0
    guard let bytes = libssh2_session_hostkey(session.pointer, &length, &number), length > 4,
      let hash = libssh2_hostkey_hash(session.pointer, LIBSSH2_HOSTKEY_HASH_SHA256)
    else { throw .unreachable(host: settings.name, cause: "it showed no host key") }
    let blob = UnsafeRawBufferPointer(start: bytes, count: length)
    let key = Data(blob).base64EncodedString()
    let type = Self.type(blob)
    let fingerprint =
      "SHA256:" + Data(UnsafeRawBufferPointer(start: hash, count: 32)).base64EncodedString().filter { $0 != "=" }
    let shown = BastionSettings.HostKey(host: settings.name, type: type, fingerprint: fingerprint)
    func changed(_ expected: String) -> BastionError {
      .hostKeyChanged(host: settings.name, keyType: type, fingerprint: fingerprint, expected: expected)
    }
    if let pin = settings.pinnedFingerprint, !Self.isSame(pin, fingerprint) { throw changed("\(pin) was given") }
    switch known.judge(type: type, key: key) {
    case .known: return
    case .changed(let expected): throw changed(expected)
    case .unknown:
      if settings.pinnedFingerprint != nil { return }
      let isAccepted =
        switch settings.unknownKeys {
        case .refuse: false
        case .accept: true
        case .ask: settings.accept?(shown) ?? false
        }
      guard isAccepted else {
        throw .hostKeyUnknown(host: settings.name, keyType: type, fingerprint: fingerprint)
      }
      if let file = settings.knownHostsFiles.first {
        try KnownHosts.append(
          settings.hostKeyAlias ?? settings.name, type: type, key: key, to: file, isHashed: settings.hashesKnownHosts)
      }
    }
  }

  /// Compares fingerprints, with or without "SHA256:" and padding.
  private static func isSame(_ pin: String, _ fingerprint: String) -> Bool {
    let text = pin.filter { $0 != "=" && !$0.isWhitespace }
    return text == fingerprint || "SHA256:" + text == fingerprint
  }

  /// Returns a key's type, with which its blob begins (RFC 4253, section 6.6).
  static func type(_ blob: UnsafeRawBufferPointer) -> String {
    guard blob.count > 4 else { return "" }
    let length = blob[..<4].reduce(0) { $0 << 8 | Int($1) }
    return String(decoding: blob.dropFirst(4).prefix(length), as: UTF8.self)
  }
}
