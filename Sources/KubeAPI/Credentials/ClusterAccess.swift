/// One cluster as one user, as a kubeconfig's context names them.
public struct ClusterAccess: Sendable {
  /// The context's name; for messages.
  public var contextName: String
  public var server: ServerURL
  /// PEM; nil for the system's authorities.
  public var certificateAuthority: [UInt8]?
  /// The name to ask for and to verify, if it differs from the server's address.
  public var tlsServerName: String?
  public var insecureSkipTLSVerify: Bool
  /// `http`, `https` or `socks5`; nil for the environment's.
  public var proxyURL: String?
  /// Another route to the server than TCP from here; `proxyURL` and the environment's proxies are ignored then.
  public var connector: APIConnector?
  /// The namespace for commands that name none.
  public var namespace: String
  public var credentials: CredentialSource
  /// The kubeconfig's user without its credentials: the entry's name, and the plugin's command with its arguments, by
  /// which some proxies choose the cluster. Empty without one.
  public var user: [String] = []
  public var impersonation: Impersonation?
  /// Warnings for the user, such as a server that is not verified.
  public var warnings: [String]

  public init(
    contextName: String = "", server: ServerURL, certificateAuthority: [UInt8]? = nil, tlsServerName: String? = nil,
    insecureSkipTLSVerify: Bool = false, proxyURL: String? = nil, connector: APIConnector? = nil,
    namespace: String = "default",
    credentials: CredentialSource = CredentialSource(), impersonation: Impersonation? = nil, warnings: [String] = []
  ) {
    self.contextName = contextName
    self.server = server
    self.certificateAuthority = certificateAuthority
    self.tlsServerName = tlsServerName
    self.insecureSkipTLSVerify = insecureSkipTLSVerify
    self.proxyURL = proxyURL
    self.connector = connector
    self.namespace = namespace
    self.credentials = credentials
    self.impersonation = impersonation
    self.warnings = warnings
  }
}

/// Acting as someone else (Kubernetes documentation, "User impersonation").
public struct Impersonation: Sendable, Hashable {
  public var user: String
  public var uid: String?
  public var groups: [String]
  public var extra: [String: [String]]

  public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
    self.user = user
    self.uid = uid
    self.groups = groups
    self.extra = extra
  }
}

/// The credentials shown to the server at one moment. Certificates and keys are PEM.
public struct Credentials: Sendable, Hashable {
  public struct Basic: Sendable, Hashable {
    public var username: String
    public var password: String

    public init(username: String, password: String) {
      self.username = username
      self.password = password
    }
  }

  public var bearerToken: String?
  public var basic: Basic?
  public var clientCertificate: [UInt8]?
  public var clientKey: [UInt8]?

  public init(
    bearerToken: String? = nil, basic: Basic? = nil, clientCertificate: [UInt8]? = nil, clientKey: [UInt8]? = nil
  ) {
    self.bearerToken = bearerToken
    self.basic = basic
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
  }
}
