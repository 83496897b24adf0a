/// The settings of `~/.ssh/config` and `/etc/ssh/ssh_config` for one host (ssh_config(5)): the first value found for a
/// keyword counts, and those of IdentityFile add up.
public struct SSHConfig: Sendable, Hashable {
  public var hostName: String?
  public var port: UInt16?
  public var user: String?
  /// With `~` and tokens unexpanded; see `expanded`.
  public var identityFiles: [String] = []
  public var identitiesOnly: Bool?
  /// A socket, `SSH_AUTH_SOCK`, or `none`.
  public var identityAgent: String?
  public var userKnownHostsFiles: [String]?
  public var globalKnownHostsFiles: [String]?
  /// True if new names in known_hosts are hashed.
  public var hashesKnownHosts: Bool?
  public var unknownKeys: BastionSettings.UnknownKeys?
  /// The name in known_hosts, in place of the host's.
  public var hostKeyAlias: String?
  /// Remarks: the blocks that were skipped.
  public var notes: [String] = []

  /// The first ProxyJump or ProxyCommand.
  struct Proxy: Sendable, Hashable {
    /// The SSH hosts on the way, the first one first; none for `ProxyJump none`.
    var jumps: [BastionURL]
    var file: String
    var line: Int
  }
  var proxy: Proxy?

  public init() {}

  /// Reads the files that exist; earlier ones have priority.
  /// - Parameters:
  ///   - host: as the user wrote it.
  ///   - user: from the URL, which overrides any file.
  ///   - files: nil for the user's and the system's.
  /// - Throws: `BastionError.config`; also if the host is reached through a program (ProxyCommand).
  public static func load(
    for host: String, user: String? = nil, files: [String]? = nil, environment: SSHEnvironment = .current
  ) throws(BastionError) -> SSHConfig {
    var parser = SSHConfigParser(host: host, user: user, environment: environment)
    let files = files ?? ["\(environment.home)/.ssh/config", "/etc/ssh/ssh_config"]
    for file in files { try parser.read(file, depth: 0) }
    if parser.asksForFinal {
      parser.isFinal = true
      for file in files { try parser.read(file, depth: 0) }
    }
    return parser.config
  }
}

/// The files and names that count.
public struct SSHEnvironment: Sendable, Hashable {
  public var home: String
  public var user: String
  /// `SSH_AUTH_SOCK`.
  public var agentSocket: String?

  public init(home: String, user: String, agentSocket: String? = nil) {
    self.home = home
    self.user = user
    self.agentSocket = agentSocket
  }

  /// Expands `~`, the tokens %% %d %h %n %p %r %u (ssh_config(5), "TOKENS"), and `${HOME}`, `${USER}`, `${LOGNAME}` and
  /// `${SSH_AUTH_SOCK}`; other variables are not known here and stay.
  func expand(_ text: String, host: String, port: UInt16, user: String) -> String {
    var result = ""
    var rest = text[...]
    if rest == "~" || rest.hasPrefix("~/") {
      result = home
      rest = rest.dropFirst()
    }
    let variables = ["HOME": home, "USER": self.user, "LOGNAME": self.user, "SSH_AUTH_SOCK": agentSocket]
    while let character = rest.popFirst() {
      if character == "$", rest.first == "{", let end = rest.firstIndex(of: "}"),
        let value = variables[String(rest[rest.index(after: rest.startIndex)..<end])] as? String
      {
        result += value
        rest = rest[rest.index(after: end)...]
        continue
      }
      guard character == "%", let token = rest.popFirst() else {
        result.append(character)
        continue
      }
      switch token {
      case "%": result.append("%")
      case "d": result += home
      case "h", "n": result += host
      case "p": result += String(port)
      case "r": result += user
      case "u": result += self.user
      default: result += "%\(token)"
      }
    }
    return result
  }
}
