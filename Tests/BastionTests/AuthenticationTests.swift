import Bastion
import Foundation
import Synchronization
import Testing

@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)))
struct AuthenticationTests {
  private let server: SSHServer

  init() throws { server = try SSHServer() }

  private func attempt(_ identities: [String], _ change: (inout BastionSettings) -> Void = { _ in }) async throws
    -> BastionError?
  {
    var settings = try server.settings(identities: identities)
    change(&settings)
    let bastion = BastionConnection(settings)
    defer { bastion.close() }
    do throws(BastionError) {
      try await bastion.connect()
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ["-t", "ed25519"], ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "521"], ["-t", "ecdsa", "-m", "PEM"],
  ])
  func keyTypes(arguments: [String]) async throws {
    defer { server.stop() }
    try server.keygen("key", arguments)
    try server.authorize("key")
    #expect(try await attempt(["key"]) == nil)
  }

  @Test func rsaWorksOrSaysWhyNot() async throws {
    defer { server.stop() }
    try server.keygen("key", ["-t", "rsa", "-b", "2048"])
    try server.authorize("key")
    if let error = try await attempt(["key"]) { #expect(error.description.contains("RSA and SHA-1"), "\(error)") }
  }

  @Test func anEncryptedKeyAsksForItsPassphrase() async throws {
    defer { server.stop() }
    try server.keygen("locked", passphrase: "open sesame")
    try server.authorize("locked")
    let file = "\(server.directory)/locked"
    let asked = Mutex<[String]>([])
    #expect(
      try await attempt(["locked"]) {
        $0.passphrase = { file in
          asked.withLock { $0.append(file) }
          return "open sesame"
        }
      } == nil)
    #expect(asked.withLock { $0 } == [file])
    for (passphrase, word) in [("wrong", "wrong"), (nil, "no passphrase")] as [(String?, String)] {
      let error = try await attempt(["locked"]) { $0.passphrase = { _ in passphrase } }
      guard case .authentication(_, _, let tried, [file]) = error else {
        Issue.record("\(error as Any)")
        continue
      }
      #expect(tried.joined().contains(word), "\(tried)")
    }
    let error = try await attempt(["locked"])
    #expect(error?.description.contains("ssh-add \(file)") == true)
    // The next key is tried all the same.
    #expect(try await attempt(["locked", "client"]) == nil)
  }

  @Test func aWrongKeyIsNamed() async throws {
    defer { server.stop() }
    try server.keygen("wrong")
    let error = try await attempt(["wrong", "missing"])
    guard case .authentication(_, _, let tried, []) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(
      tried == ["\(server.directory)/wrong (ssh-ed25519) was refused", "\(server.directory)/missing does not exist"])
    #expect(try await attempt(["wrong", "client"]) == nil)
    guard case .authentication(_, _, [], []) = try await attempt([]) else {
      Issue.record("logged in without a key")
      return
    }
  }

  @Test func tooManyKeysAreSaidToBe() async throws {
    let strict = try SSHServer(options: "MaxAuthTries 2")
    defer {
      server.stop()
      strict.stop()
    }
    for name in ["a", "b", "c", "d"] { try strict.keygen(name) }
    let bastion = BastionConnection(try strict.settings(identities: ["a", "b", "c", "d"]))
    let error = await #expect(throws: BastionError.self) { try await bastion.connect() }
    guard case .authentication(_, _, let tried, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(tried.joined().contains("MaxAuthTries"), "\(tried)")
    bastion.close()
  }

  @Test func theAgentsKeysAreOffered() async throws {
    let socket = "\(server.directory)/agent"
    let agent = try ChildProcess("/usr/bin/ssh-agent", ["-D", "-a", socket])
    defer {
      agent.end()
      server.stop()
    }
    try #require(agent.output.wait(for: "SSH_AUTH_SOCK"))
    try server.keygen("wrong")
    try server.keygen("agents", ["-t", "ecdsa"])
    try server.authorize("agents")
    for key in ["wrong", "agents"] {
      try run("/usr/bin/ssh-add", ["-q", "\(server.directory)/\(key)"], environment: ["SSH_AUTH_SOCK": socket])
    }
    // In the agent only.
    try FileManager.default.removeItem(atPath: "\(server.directory)/agents")
    let any = try await attempt([]) { $0.agentSocket = socket }
    #expect(any == nil, "\(any as Any) \(server.log.text)")
    #expect(
      try await attempt(["agents"]) {
        $0.agentSocket = socket
        $0.identitiesOnly = true
      } == nil)
    let error = try await attempt(["wrong"]) {
      $0.agentSocket = socket
      $0.identitiesOnly = true
    }
    guard case .authentication(_, _, let tried, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(tried.count == 2 && !tried.joined().contains("agents"), "\(tried)")
    let absent = try await attempt([]) { $0.agentSocket = socket + "-absent" }
    #expect(absent?.description.contains("does not answer") == true)
  }
}
