/// The SSH host through which an API server is reached, and whose keys open it.
public struct BastionSelection: Codable, Sendable, Hashable {
  /// `ssh://user@host:port`; nil: what `byContext` says.
  public var url: String?
  /// URLs by the kubeconfig's context.
  public var byContext: [String: String] = [:]
  /// The only host key to accept, `SHA256:…`; nil: known_hosts decides.
  public var hostKey: String?
  /// The person's own, since the daemon may have been started elsewhere: for ~/.ssh and for ssh-agent.
  public var home: String
  public var user: String
  public var agentSocket: String?

  public init(url: String? = nil, home: String, user: String, agentSocket: String? = nil) {
    self.url = url
    self.home = home
    self.user = user
    self.agentSocket = agentSocket
  }
}

/// What a person has answered: the daemon has no terminal to ask at. It keeps it in memory alone.
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

/// What the daemon must ask a person before it can go on: with `ControlError.Code.questionForPerson`.
public struct BastionQuestion: Codable, Sendable, Hashable {
  public var url: String
  /// Unknown so far: its fingerprint, to be accepted.
  public var hostKey: String?
  /// Key files that want a passphrase.
  public var lockedKeys: [String]

  public init(url: String, hostKey: String? = nil, lockedKeys: [String] = []) {
    self.url = url
    self.hostKey = hostKey
    self.lockedKeys = lockedKeys
  }
}
