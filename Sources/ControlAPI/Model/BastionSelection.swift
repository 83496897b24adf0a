/// The SSH host through which an API server is reached, and the user whose keys open it.
public struct BastionSelection: Codable, Sendable, Hashable {
  /// `ssh://user@host:port`; nil takes the entry of `byContext`.
  public var url: String?
  /// URLs by the kubeconfig's context.
  public var byContext: [String: String] = [:]
  /// The only host key to accept, `SHA256:…`; nil: known_hosts decides.
  public var hostKey: String?
  /// The user's home, for ~/.ssh and for ssh-agent; the daemon may have been started with another.
  public var home: String
  /// The user's name on this machine.
  public var user: String
  /// The ssh-agent's socket, `SSH_AUTH_SOCK`.
  public var agentSocket: String?

  public init(url: String? = nil, home: String, user: String, agentSocket: String? = nil) {
    self.url = url
    self.home = home
    self.user = user
    self.agentSocket = agentSocket
  }
}

/// A person's answer to a `BastionQuestion`, since the daemon has no terminal. The daemon keeps it in memory only.
public struct BastionAnswer: Codable, Sendable, Hashable {
  public var bastion: BastionSelection
  /// The URL that the question was about.
  public var url: String
  /// A host key to remember in known_hosts, `SHA256:…`.
  public var acceptedKey: String?
  /// Passphrases by key file.
  public var passphrases: [String: String] = [:]

  public init(bastion: BastionSelection, url: String) {
    self.bastion = bastion
    self.url = url
  }
}

/// A question that a person must answer before the daemon can continue: `ControlError.question`.
public struct BastionQuestion: Codable, Sendable, Hashable {
  public var url: String
  /// The fingerprint of an unknown host key, to be accepted.
  public var hostKey: String?
  /// Key files that need a passphrase.
  public var lockedKeys: [String]

  public init(url: String, hostKey: String? = nil, lockedKeys: [String] = []) {
    self.url = url
    self.hostKey = hostKey
    self.lockedKeys = lockedKeys
  }
}
