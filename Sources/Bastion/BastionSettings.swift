/// One bastion with everything needed to log in. `init(_:config:)` resolves a URL the way `ssh` would.
public struct BastionSettings: Sendable {
  /// What the server shows, for a person or a program to judge.
  public struct HostKey: Sendable, Hashable {
    /// `name`, or `[name]:port` where the port is not 22.
    public var host: String
    /// As OpenSSH names it, "ssh-ed25519".
    public var type: String
    /// "SHA256:…", base64 without padding.
    public var fingerprint: String
  }

  /// The address to connect to.
  public var host: String
  public var port: UInt16
  public var user: String
  /// Private keys, the best first.
  public var identityFiles: [String]
  /// Offer only keys of `identityFiles`, even if ssh-agent has more.
  public var identitiesOnly: Bool
  /// ssh-agent's socket; nil for none.
  public var agentSocket: String?
  /// The first is the one that accepted keys are written to.
  public var knownHostsFiles: [String]
  /// True if names of accepted hosts are hashed there (`HashKnownHosts`); nil: as the file's other lines have it.
  public var hashesKnownHosts: Bool?
  /// Refuse every unknown key, and ask nobody (`StrictHostKeyChecking yes`).
  public var isStrict: Bool
  /// The only host key to accept ("SHA256:…"), also where known_hosts does not have the host; nothing is written there.
  /// What known_hosts speaks against stays refused.
  public var pinnedFingerprint: String?
  /// Asked for an unknown key, on the connection's own thread; true appends it to known_hosts. Nil: unknown keys are
  /// refused.
  public var accept: (@Sendable (HostKey) -> Bool)?
  /// Asked for the passphrase of an encrypted key file, on the connection's own thread; nil skips the file.
  public var passphrase: (@Sendable (_ file: String) -> String?)?
  /// For name, TCP, handshake and login together, less the time a person takes to answer. Shorter than libcurl's (15
  /// s), so that its error says why.
  public var connectTimeout: Duration
  /// Between keep-alives, in whole seconds, 2 at least; the connection is dead when three were in vain.
  public var keepAlive: Duration

  public init(
    host: String, port: UInt16 = 22, user: String, identityFiles: [String] = [], identitiesOnly: Bool = false,
    agentSocket: String? = nil,
    knownHostsFiles: [String] = [], isStrict: Bool = false, pinnedFingerprint: String? = nil,
    accept: (@Sendable (HostKey) -> Bool)? = nil,
    passphrase: (@Sendable (_ file: String) -> String?)? = nil, connectTimeout: Duration = .seconds(10),
    keepAlive: Duration = .seconds(15)
  ) {
    self.host = host
    self.port = port
    self.user = user
    self.identityFiles = identityFiles
    self.identitiesOnly = identitiesOnly
    self.agentSocket = agentSocket
    self.knownHostsFiles = knownHostsFiles
    self.isStrict = isStrict
    self.pinnedFingerprint = pinnedFingerprint
    self.accept = accept
    self.passphrase = passphrase
    self.connectTimeout = connectTimeout
    self.keepAlive = keepAlive
  }

  /// The host as known_hosts writes it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
  public var name: String { port == 22 ? host : "[\(host)]:\(port)" }
}
