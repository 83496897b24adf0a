/// A failure of the connection through an SSH host. `description` has the problem and the remedy; `host` is `name` or
/// `[name]:port`, as in known_hosts.
public enum BastionError: Error, Sendable, Hashable {
  case badURL(text: String, problem: String)
  /// `line` counts from 1, nil for the whole file.
  case config(file: String, line: Int?, problem: String)
  /// No SSH session was made: name, address, silence, or a server that speaks another protocol.
  case unreachable(host: String, cause: String)
  /// No known_hosts file has the key. `fingerprint` is OpenSSH's, "SHA256:…".
  case hostKeyUnknown(host: String, keyType: String, fingerprint: String)
  /// known_hosts, or the caller's pin, has another key, or has revoked this one: never to be accepted.
  /// `expected` names the source.
  case hostKeyChanged(host: String, keyType: String, fingerprint: String, expected: String)
  /// `tried` has one line for each key; `locked` are the key files that need a passphrase, and got none or a wrong one.
  case authentication(host: String, user: String, tried: [String], locked: [String])
  /// The bastion does not open this channel: `reason` in SSH's words (RFC 4254, section 5.1).
  case channelRefused(host: String, target: String, reason: String)
  case connectionLost(host: String, cause: String)
  /// `close()` was called.
  case closed(host: String)
}

extension BastionError: CustomStringConvertible {
  public var description: String { remedy.isEmpty ? problem : "\(problem); \(remedy)" }

  /// The problem, without the remedy.
  public var problem: String {
    switch self {
    case .badURL(let text, let problem): return "'\(text)' is not the URL of an SSH host: \(problem)"
    case .config(let file, let line, let problem): return "\(file)\(line.map { ":\($0)" } ?? ""): \(problem)"
    case .unreachable(let host, let cause): return "cannot reach the SSH host \(host): \(cause)"
    case .hostKeyUnknown(let host, let keyType, let fingerprint):
      return "the SSH host \(host) is not known: it shows the \(keyType) key \(fingerprint)"
    case .hostKeyChanged(let host, let keyType, let fingerprint, let expected):
      return "the SSH host \(host) shows a key that must not be trusted: \(keyType) \(fingerprint), but \(expected)"
    case .authentication(let host, let user, let tried, _):
      return
        "the SSH host \(host) does not let \(user) in: "
        + (tried.isEmpty ? "no key was found" : tried.joined(separator: ", "))
    case .channelRefused(let host, let target, let reason):
      return "the SSH host \(host) does not connect to \(target): \(reason)"
    case .connectionLost(let host, let cause): return "the SSH connection to \(host) was lost: \(cause)"
    case .closed(let host): return "the SSH connection to \(host) was closed here"
    }
  }

  /// The remedy; empty if `problem` has it.
  public var remedy: String {
    switch self {
    case .badURL: "write ssh://user@host or ssh://user@host:port"
    case .config, .closed: ""
    case .unreachable: "check the name, the port and the network, and that `ssh` can connect"
    case .hostKeyUnknown: "compare the fingerprint with its administrator's, then accept it, or connect once with `ssh`"
    case .hostKeyChanged(let host, _, _, _):
      "someone may be intercepting the connection: ask its administrator, "
        + "and if the key was replaced on purpose, take the old one out of known_hosts "
        + "(ssh-keygen -R '\(host)')"
    case .authentication(_, _, _, let locked):
      if let file = locked.first {
        "give the passphrase, or add the key to ssh-agent (ssh-add \(file))"
      } else {
        "check the user, IdentityFile in ~/.ssh/config, and `ssh-add -l`"
      }
    case .channelRefused(_, _, let reason):
      reason.contains("prohibited")
        ? "its sshd forbids it: "
          + "see AllowTcpForwarding and PermitOpen in its sshd_config, and restrictions in authorized_keys"
        : "check the server of the kubeconfig, as seen from that host"
    case .connectionLost: "it is made again at the next use"
    }
  }

  /// Adds remarks about the configuration to an error that it may explain.
  func with(_ notes: [String]) -> BastionError {
    guard !notes.isEmpty else { return self }
    switch self {
    case .unreachable(let host, let cause):
      return .unreachable(host: host, cause: ([cause] + notes).joined(separator: "; "))
    case .authentication(let host, let user, let tried, let locked):
      return .authentication(host: host, user: user, tried: tried + notes, locked: locked)
    default: return self
    }
  }

  /// True if waiting may help: the cause is in the network.
  public var isTransient: Bool {
    switch self {
    case .unreachable, .connectionLost: true
    case .channelRefused(_, _, let reason): !reason.contains("prohibited")
    default: false
    }
  }
}
