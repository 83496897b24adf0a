/// One SSH host with everything needed to log in. `init(_:config:)` resolves a URL as `ssh` does.
public struct BastionSettings: Sendable {
  /// The server's key, for the user or a program to judge.
  public struct HostKey: Sendable, Hashable {
    /// `name`, or `[name]:port` if the port is not 22.
    public var host: String
    /// OpenSSH's name, "ssh-ed25519".
    public var type: String
    /// "SHA256:…", base64 without padding.
    public var fingerprint: String
  }

  /// The treatment of keys that known_hosts lacks (`StrictHostKeyChecking`). Keys that contradict it are refused.
  public enum UnknownKeys: Sendable, Hashable {
    /// `accept` decides.
    case ask
    /// They are added to known_hosts without a question: `accept-new`, and `no`.
    case accept
    /// They are refused without a question: `yes`.
    case refuse
  }

  /// The SSH hosts on the way, the first one first (`ProxyJump`); each but the first is reached through the one before.
  /// They have no hops of their own.
  public var hops: [BastionSettings] = []
  /// The address to connect to, as the last hop sees it.
  public var host: String
  public var port: UInt16
  public var user: String
  /// Private keys, the best first.
  public var identityFiles: [String]
  /// True to offer only keys of `identityFiles`, even if ssh-agent has more.
  public var identitiesOnly: Bool
  /// ssh-agent's socket; nil for none.
  public var agentSocket: String?
  /// The files of known keys; accepted keys are written to the first.
  public var knownHostsFiles: [String]
  /// True to hash the names of accepted hosts there (`HashKnownHosts`); nil: as in the file's other lines.
  public var hashesKnownHosts: Bool?
  public var unknownKeys: UnknownKeys
  /// The name in known_hosts, in place of host and port (`HostKeyAlias`).
  public var hostKeyAlias: String?
  /// Remarks about the configuration, which errors repeat.
  public var notes: [String] = []
  /// The only host key to accept ("SHA256:…"), even if known_hosts lacks the host; nothing is written there. A key that
  /// contradicts known_hosts stays refused.
  public var pinnedFingerprint: String?
  /// Asks about an unknown key, on the connection's own thread; true appends it to known_hosts. Nil:
  /// unknown keys are refused.
  public var accept: (@Sendable (HostKey) -> Bool)?
  /// Asks for the passphrase of an encrypted key file, on the connection's own thread; nil skips the file.
  public var passphrase: (@Sendable (_ file: String) -> String?)?
  /// The limit for name, TCP, handshake and login together, less the time the user takes to answer. Shorter than
  /// libcurl's (15 s), so that this error with its reason comes first.
  public var connectTimeout: Duration
  /// The time between keep-alives, in whole seconds, 2 at least; the connection is dead when three were in vain.
  public var keepAlive: Duration

  public init(
    host: String, port: UInt16 = 22, user: String, identityFiles: [String] = [], identitiesOnly: Bool = false,
    agentSocket: String? = nil,
    knownHostsFiles: [String] = [], unknownKeys: UnknownKeys = .ask, pinnedFingerprint: String? = nil,
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
    self.unknownKeys = unknownKeys
    self.pinnedFingerprint = pinnedFingerprint
    self.accept = accept
    self.passphrase = passphrase
    self.connectTimeout = connectTimeout
    self.keepAlive = keepAlive
  }

  /// Sets the closures of this host and of its hops.
  public mutating func answer(
    accept: @escaping @Sendable (HostKey) -> Bool, passphrase: @escaping @Sendable (_ file: String) -> String?
  ) {
    self.accept = accept
    self.passphrase = passphrase
    for index in hops.indices { hops[index].answer(accept: accept, passphrase: passphrase) }
  }

  /// The host as known_hosts writes it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
  public var name: String { port == 22 ? host : "[\(host)]:\(port)" }
}
