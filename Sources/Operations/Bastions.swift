import Bastion
import ControlAPI
import KubeAPI

/// The SSH sessions to bastions, one for each bastion and user's keys: libcurl reuses connections only within one
/// session.
struct Bastions {
  private struct Key: Hashable {
    var url: String
    var home: String
    var user: String
    var agentSocket: String?
    var hostKey: String?
  }

  private var connections: [Key: BastionConnection] = [:]
  /// The users' answers, kept in memory only.
  private var accepted: [String: Set<String>] = [:]
  private var passphrases: [String: String] = [:]

  private static func key(_ url: String, _ selection: BastionSelection) -> Key {
    Key(
      url: url, home: selection.home, user: selection.user, agentSocket: selection.agentSocket,
      hostKey: selection.hostKey)
  }

  /// Returns the connection for a context's URL; nil if it has none.
  mutating func connection(_ selection: BastionSelection?, context: String) throws(ControlError) -> (
    url: String, BastionConnection
  )? {
    guard let selection, let url = selection.url ?? selection.byContext[context] else { return nil }
    let key = Self.key(url, selection)
    if let known = connections[key] { return (url, known) }
    do throws(BastionError) {
      let environment = SSHEnvironment(home: selection.home, user: selection.user, agentSocket: selection.agentSocket)
      var settings = try BastionSettings(BastionURL(url), environment: environment)
      // The pin is for the host that the user names; the hops before it are known, or asked about.
      settings.pinnedFingerprint = selection.hostKey
      let (accepted, passphrases) = (accepted[url] ?? [], passphrases)
      settings.answer(accept: { accepted.contains($0.fingerprint) }, passphrase: { passphrases[$0] })
      let connection = BastionConnection(settings)
      connections[key] = connection
      return (url, connection)
    } catch {
      throw ControlError(.badInput, error.problem, remedy: error.remedy.isEmpty ? nil : error.remedy)
    }
  }

  /// Takes an answer; the next connection is a new one, which uses it.
  mutating func take(_ answer: BastionAnswer) {
    if let key = answer.acceptedKey { accepted[answer.url, default: []].insert(key) }
    passphrases.merge(answer.passphrases) { $1 }
    forget(answer.url, answer.bastion)
  }

  mutating func forget(_ url: String, _ selection: BastionSelection?) {
    guard let selection else { return }
    connections.removeValue(forKey: Self.key(url, selection))?.close()
  }

  mutating func closeAll() {
    for connection in connections.values { connection.close() }
    connections = [:]
  }
}

extension ControlError {
  /// Describes the error that kept a bastion from being reached.
  init(_ error: BastionError, url: String) {
    let code: Code =
      switch error {
      case .badURL, .config: .badInput
      case .hostKeyUnknown, .hostKeyChanged, .authentication: .refused
      default: .unreachable
      }
    self.init(code, error.problem, remedy: error.remedy.isEmpty ? nil : error.remedy)
    switch error {
    case .hostKeyUnknown(_, _, let fingerprint):
      question = BastionQuestion(url: url, hostKey: fingerprint)
      remedy =
        "compare the fingerprint with its administrator's; then accept it on a terminal, "
        + "give --via-host-key '\(fingerprint)', or connect once with `ssh`"
    case .authentication(_, _, _, let locked) where !locked.isEmpty:
      question = BastionQuestion(url: url, lockedKeys: locked)
    default: break
    }
  }
}
