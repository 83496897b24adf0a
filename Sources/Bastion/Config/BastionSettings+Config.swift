import FoundationEssentials
import Glibc

extension BastionSettings {
  /// Resolves a URL as `ssh` does: missing parts come from the configuration, then from OpenSSH's defaults. Closures
  /// and pin are left to the caller, also those of the hops.
  /// - Parameter load: reads the configuration of a host for a user; nil to read the user's and the system's files.
  /// - Throws: `BastionError.config`.
  public init(
    _ url: BastionURL, environment: SSHEnvironment = .current,
    load: ((_ host: String, _ user: String?) throws(BastionError) -> SSHConfig)? = nil
  ) throws(BastionError) {
    func read(_ host: String, _ user: String?) throws(BastionError) -> SSHConfig {
      if let load { return try load(host, user) }
      return try SSHConfig.load(for: host, user: user, environment: environment)
    }
    try self.init(url, environment: environment, asHopOf: [], load: read)
  }

  /// - Parameter asked: the hosts for whose sake this one is resolved: one of them again would be a circle.
  private init(
    _ url: BastionURL, environment: SSHEnvironment, asHopOf asked: [BastionURL],
    load: (_ host: String, _ user: String?) throws(BastionError) -> SSHConfig
  ) throws(BastionError) {
    let config = try load(url.host, url.user)
    let asked = asked + [url]
    var hops: [BastionSettings] = []
    if let proxy = config.proxy {
      for jump in proxy.jumps {
        guard !asked.contains(jump) else {
          throw .config(
            file: proxy.file, line: proxy.line,
            problem: "ProxyJump is a circle: the way to \(jump.host) passes \(jump.host) again; "
              + "write `ProxyJump none` for the host that is reached directly")
        }
        guard asked.count + hops.count <= Self.mostHops else {
          throw .config(
            file: proxy.file, line: proxy.line,
            problem: "ProxyJump passes more than \(Self.mostHops) hosts on the way to \(asked[0].host)")
        }
        // As for `ssh -J`: only the first one's own ProxyJump counts, since the others have one in this list.
        var hop: BastionSettings
        if hops.isEmpty {
          hop = try BastionSettings(jump, environment: environment, asHopOf: asked, load: load)
          hops = hop.hops
        } else {
          var own = try load(jump.host, jump.user)
          own.proxy = nil
          hop = BastionSettings(jump, own, environment)
        }
        hop.hops = []
        hops.append(hop)
      }
    }
    self.init(url, config, environment)
    self.hops = hops
  }

  /// More are a mistake in the configuration.
  private static let mostHops = 8

  /// Resolves one host by itself.
  private init(_ url: BastionURL, _ config: SSHConfig, _ environment: SSHEnvironment) {
    let port = url.port ?? config.port ?? 22
    let user = url.user ?? config.user ?? environment.user
    let host =
      config.hostName.map { environment.expand($0, host: url.host, port: port, user: user) } ?? url.host.lowercased()
    func expand(_ text: String) -> String { environment.expand(text, host: host, port: port, user: user) }
    // OpenSSH's defaults that libssh2 can use and that exist.
    let defaults = ["id_ed25519", "id_ecdsa", "id_rsa"].map { "\(environment.home)/.ssh/\($0)" }.filter {
      FileManager.default.fileExists(atPath: $0)
    }
    let named = config.identityFiles.filter { $0.lowercased() != "none" }.map(expand)
    let agent: String? =
      switch config.identityAgent {
      case nil, "SSH_AUTH_SOCK", "$SSH_AUTH_SOCK": environment.agentSocket
      case let value? where value.lowercased() == "none": nil
      case let value?: expand(value)
      }
    let files =
      (config.userKnownHostsFiles ?? ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"])
      + (config.globalKnownHostsFiles ?? ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"])
    self.init(
      host: host, port: port, user: user, identityFiles: config.identityFiles.isEmpty ? defaults : named,
      identitiesOnly: config.identitiesOnly ?? false, agentSocket: agent,
      knownHostsFiles: files.filter { $0.lowercased() != "none" }.map(expand),
      unknownKeys: config.unknownKeys ?? .ask)
    hashesKnownHosts = config.hashesKnownHosts
    hostKeyAlias = config.hostKeyAlias
    notes = config.notes
  }
}

extension SSHEnvironment {
  /// This process's: HOME, else the password file's; the name is the password file's.
  public static var current: SSHEnvironment {
    let variables = ProcessInfo.processInfo.environment
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    var (home, user) = (variables["HOME"] ?? "/", variables["USER"] ?? variables["LOGNAME"] ?? "root")
    // The strings are in the buffer.
    buffer.withUnsafeMutableBufferPointer { buffer in
      guard getpwuid_r(getuid(), &entry, buffer.baseAddress!, buffer.count, &found) == 0, found != nil else { return }
      if let name = entry.pw_name { user = String(cString: name) }
      if variables["HOME"]?.isEmpty != false, let folder = entry.pw_dir { home = String(cString: folder) }
    }
    let agent = variables["SSH_AUTH_SOCK"].flatMap { $0.isEmpty ? nil : $0 }
    return SSHEnvironment(home: home, user: user, agentSocket: agent)
  }
}
