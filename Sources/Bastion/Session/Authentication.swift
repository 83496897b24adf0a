import CSSH2
import FoundationEssentials

/// The login: ssh-agent's keys, then key files, until the server accepts (RFC 4252, section 7).
struct Authentication {
  let settings: BastionSettings
  let session: SSHSession
  private var tried: [String] = []
  private var locked: [String] = []
  /// Moved forward by the time the user takes to answer.
  private var deadline: ContinuousClock.Instant

  init(_ settings: BastionSettings, _ session: SSHSession, until deadline: ContinuousClock.Instant) {
    self.settings = settings
    self.session = session
    self.deadline = deadline
  }

  /// - Throws: `BastionError.authentication` with all attempts, `.unreachable` if the connection breaks.
  mutating func run() throws(BastionError) {
    if try methods() == nil { return }
    if try agent() { return }
    for file in settings.identityFiles { if try keyFile(file) { return } }
    if tried.count > 1, session.isHungUp(within: .seconds(1)) { tried.append(Self.hangUp) }
    throw .authentication(host: settings.name, user: settings.user, tried: tried, locked: locked)
  }

  private static let hangUp = "then the server closed the connection (MaxAuthTries in its sshd_config?)"

  /// Returns the server's methods, by a login with the method "none"; nil if that was enough.
  private mutating func methods() throws(BastionError) -> String? {
    var list: String?
    let (session, user) = (session, settings.user)
    let code = session.drive(until: deadline) {
      if let answer = libssh2_userauth_list(session.pointer, user, UInt32(user.utf8.count)) {
        list = String(cString: answer)
        return 0
      }
      return libssh2_userauth_authenticated(session.pointer) != 0 ? 0 : libssh2_session_last_errno(session.pointer)
    }
    guard let list else {
      if code == 0 { return nil }
      throw broken(code)
    }
    guard list.split(separator: ",").contains("publickey") else {
      throw .authentication(
        host: settings.name, user: settings.user, tried: ["it takes no keys, only \(list)"], locked: [])
    }
    return list
  }

  // MARK: ssh-agent

  private mutating func agent() throws(BastionError) -> Bool {
    guard let path = settings.agentSocket, let agent = libssh2_agent_init(session.pointer) else { return false }
    defer { libssh2_agent_free(agent) }
    libssh2_agent_set_identity_path(agent, path)
    guard libssh2_agent_connect(agent) == 0 else {
      tried.append("ssh-agent at \(path) does not answer")
      return false
    }
    defer { libssh2_agent_disconnect(agent) }
    guard libssh2_agent_list_identities(agent) == 0 else {
      tried.append("ssh-agent at \(path) does not list its keys")
      return false
    }
    var identities: [UnsafeMutablePointer<libssh2_agent_publickey>] = []
    var previous: UnsafeMutablePointer<libssh2_agent_publickey>?
    var next: UnsafeMutablePointer<libssh2_agent_publickey>?
    while libssh2_agent_get_identity(agent, &next, previous) == 0, let found = next {
      identities.append(found)
      previous = found
    }
    let wanted = settings.identityFiles.compactMap(Self.publicKey)
    func rank(_ identity: UnsafeMutablePointer<libssh2_agent_publickey>) -> Int? {
      wanted.firstIndex(of: Data(bytes: identity.pointee.blob, count: identity.pointee.blob_len).base64EncodedString())
    }
    // Servers count attempts (MaxAuthTries): the keys that the configuration names come first, or alone.
    let named = identities.filter { rank($0) != nil }.sorted { rank($0)! < rank($1)! }
    let offered = settings.identitiesOnly ? named : named + identities.filter { rank($0) == nil }
    if offered.isEmpty {
      tried.append(
        identities.isEmpty ? "ssh-agent has no keys" : "ssh-agent has none of the keys that IdentityFile names")
    }
    for identity in offered {
      let (session, user) = (session, settings.user)
      let code = session.drive(until: deadline) { libssh2_agent_userauth(agent, user, identity) }
      if code == 0 { return true }
      let type = HostKeyCheck.type(
        UnsafeRawBufferPointer(start: identity.pointee.blob, count: identity.pointee.blob_len))
      let comment = identity.pointee.comment.map { String(cString: $0) } ?? ""
      try failed("ssh-agent's key \(comment) (\(type))", code, type)
    }
    return false
  }

  /// Returns the public key beside a private key's file, base64.
  private static func publicKey(of file: String) -> String? {
    guard let data = FileManager.default.contents(atPath: file.hasSuffix(".pub") ? file : file + ".pub") else {
      return nil
    }
    let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return words.count >= 2 ? String(words[1]) : nil
  }

  // MARK: Key files

  private mutating func keyFile(_ file: String) throws(BastionError) -> Bool {
    guard let data = FileManager.default.contents(atPath: file) else {
      tried.append("\(file) \(FileManager.default.fileExists(atPath: file) ? "cannot be read" : "does not exist")")
      return false
    }
    let type = PrivateKeyFile.type(Array(data), file)
    guard PrivateKeyFile.isEncrypted(Array(data)) else { return try login(file, nil, type) }
    guard let ask = settings.passphrase else {
      locked.append(file)
      tried.append("\(file) is encrypted, and there is no passphrase")
      return false
    }
    let start = ContinuousClock.now
    let passphrase = ask(file)
    deadline += .now - start
    guard let passphrase else {
      locked.append(file)
      tried.append("\(file) is encrypted, and no passphrase was given")
      return false
    }
    return try login(file, passphrase, type)
  }

  private mutating func login(_ file: String, _ passphrase: String?, _ type: String) throws(BastionError) -> Bool {
    let (session, user) = (session, settings.user)
    let code = session.drive(until: deadline) {
      libssh2_userauth_publickey_fromfile_ex(session.pointer, user, UInt32(user.utf8.count), nil, file, passphrase)
    }
    if code == 0 { return true }
    if code == LIBSSH2_ERROR_FILE || code == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED
      || (passphrase != nil && code == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
    {
      if passphrase != nil {
        locked.append(file)
        tried.append("\(file): the passphrase is wrong")
      } else {
        tried.append("\(file): libssh2 cannot read it (\(session.lastError))")
      }
      return false
    }
    try failed("\(file)\(type.isEmpty ? "" : " (\(type))")", code, type)
    return false
  }

  // MARK: Failures

  private mutating func failed(_ key: String, _ code: Int32, _ type: String) throws(BastionError) {
    // libssh2 reports a connection that was cut here as a refusal.
    let isCut =
      session.transport.end != nil
      || [LIBSSH2_ERROR_SOCKET_DISCONNECT, LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_SEND].contains(code)
    if isCut {
      guard !tried.isEmpty else { throw broken(code) }
      tried.append(Self.hangUp)
      throw .authentication(host: settings.name, user: settings.user, tried: tried, locked: locked)
    }
    switch code {
    case LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
      // libssh2 supports RFC 8332 since 1.11.
      let isOld = type == "ssh-rsa" && libssh2_version(0x010b00) == nil
      tried.append(
        "\(key) was refused"
          + (isOld
            ? ": this libssh2 signs with RSA and SHA-1 only, which OpenSSH refuses since 8.8; use an ed25519 key" : ""))
    case LIBSSH2_ERROR_TIMEOUT, LIBSSH2_ERROR_SOCKET_NONE: throw broken(code)
    default: tried.append("\(key): \(session.lastError)")
    }
  }

  private func broken(_ code: Int32) -> BastionError {
    if code == LIBSSH2_ERROR_TIMEOUT {
      return .unreachable(host: settings.name, cause: "the login took longer than \(settings.connectTimeout)")
    }
    return .unreachable(
      host: settings.name, cause: "the connection broke during the login: \(session.transport.end ?? session.lastError)"
    )
  }
}
