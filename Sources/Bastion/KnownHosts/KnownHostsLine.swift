import CSSH2

/// One line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
struct KnownHostsLine {
  enum Marker { case none, revoked, certificateAuthority }

  let marker: Marker
  let hosts: Substring
  let keyType: String
  /// Base64.
  let key: String
  /// "file:line".
  let place: String

  /// Nil for a comment, an empty line, and anything else that is not an entry.
  init?(_ text: Substring, file: String, line: Int) {
    var words = text.split(maxSplits: 4, whereSeparator: \.isWhitespace)
    guard let first = words.first, first.first != "#" else { return nil }
    switch first {
    case "@revoked": marker = .revoked
    case "@cert-authority": marker = .certificateAuthority
    default: marker = .none
    }
    if marker != .none { words.removeFirst() }
    guard words.count >= 3, words[0].first != "@" else { return nil }
    hosts = words[0]
    keyType = String(words[1])
    key = String(words[2])
    place = "\(file):\(line)"
  }

  /// - Parameter name: `host`, or `[host]:port`.
  func matches(_ name: String, _ session: OpaquePointer) -> Bool {
    hosts.hasPrefix("|1|") ? matchesHash(name, session) : HostPattern.matches(hosts.split(separator: ","), name)
  }

  /// Compares by libssh2, which knows the hash (HMAC-SHA1 of the name): if it finds the name, any key is
  /// at least a mismatch.
  private func matchesHash(_ name: String, _ session: OpaquePointer) -> Bool {
    guard let collection = libssh2_knownhost_init(session) else { return false }
    defer { libssh2_knownhost_free(collection) }
    let line = "\(hosts) \(keyType) \(key)"
    guard libssh2_knownhost_readline(collection, line, line.utf8.count, LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0 else {
      return false
    }
    let mask = LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_BASE64
    let answer = libssh2_knownhost_check(collection, name.lowercased(), key, key.utf8.count, mask, nil)
    return answer == LIBSSH2_KNOWNHOST_CHECK_MATCH || answer == LIBSSH2_KNOWNHOST_CHECK_MISMATCH
  }
}
