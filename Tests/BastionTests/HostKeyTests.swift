import Bastion
import Foundation
import Synchronization
import Testing

@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)))
struct HostKeyTests {
  private let server: SSHServer

  init() throws {
    server = try SSHServer()
    try server.keygen("other")
  }

  /// Ends the server.
  private func attempt(_ knownHosts: String, _ change: (inout BastionSettings) -> Void = { _ in }) async throws
    -> BastionError?
  {
    var settings = try server.settings(knownHosts: knownHosts)
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

  private var name: String { "[127.0.0.1]:\(server.port)" }

  private func hashed(_ line: String) throws -> String {
    let file = try server.write("hashed", line)
    try run("/usr/bin/ssh-keygen", ["-q", "-H", "-f", file])
    return try String(contentsOfFile: file, encoding: .utf8)
  }

  @Test func knownInEveryForm() async throws {
    defer { server.stop() }
    let line = try server.knownHost()
    for text in [
      line, try hashed(line), "# comment\n\n" + line.replacing(self.name, with: "other,[127.0.0.?]:*,!x"),
      try server.knownHost(as: "127.0.0.1"), "# Windows\r\n" + line.replacing("\n", with: "\r\n"),
      try server.knownHost("other") + line, try server.knownHost("other", as: "elsewhere") + line,
    ] {
      #expect(try await attempt(text) == nil, "\(text)")
    }
  }

  /// A key of the bare name's vouches for a port only where the port has no line of its own. OpenSSH's ssh is the
  /// judge.
  @Test func theBareNameCountsAsWithSSH() async throws {
    defer { server.stop() }
    try server.keygen("rsa", ["-t", "rsa", "-b", "2048"])
    let bare = try server.knownHost(as: "127.0.0.1")
    let other = try server.knownHost("other")
    let texts: [(text: String, isKnown: Bool)] = [
      (bare, true), (other + bare, false), (bare + other, false), (try hashed(other) + bare, false),
      (try hashed(bare) + other, false),
      (try server.knownHost("rsa") + bare, false), (try server.knownHost("rsa"), false),
      (other + (try server.knownHost()), true), (try server.knownHost("other", as: "127.0.0.1"), false),
      (try server.knownHost("rsa", as: "127.0.0.1") + bare, true),
    ]
    for (text, isKnown) in texts {
      #expect(try server.sshTakes(text) == isKnown, "ssh itself: \(text)")
      let error = try await attempt(text)
      #expect((error == nil) == isKnown, "\(text): \(error as Any)")
    }
    guard case .hostKeyChanged = try await attempt(other + bare, { $0.accept = { _ in true } }) else {
      Issue.record("the port has another key: nobody is asked")
      return
    }
  }

  @Test func anAcceptedKeyIsHashedWhereOthersAre() async throws {
    defer { server.stop() }
    for (before, setting, isHashed) in [
      ("", nil, false), ("", true, true), (try hashed(server.knownHost("other", as: "elsewhere")), nil, true),
      (try server.knownHost("other", as: "elsewhere"), nil, false),
      (try hashed(server.knownHost("other", as: "elsewhere")), false, false),
    ] as [(String, Bool?, Bool)] {
      #expect(
        try await attempt(before) {
          $0.hashesKnownHosts = setting
          $0.accept = { _ in true }
        } == nil)
      let file = "\(server.directory)/known_hosts"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(
        text.hasPrefix(before) && text.dropFirst(before.count).hasPrefix("|1|") == isHashed
          && text.contains(name) != isHashed, "\(text)")
      // OpenSSH finds it by its name.
      #expect(try run("/usr/bin/ssh-keygen", ["-F", name, "-f", file]).contains("ssh-ed25519"))
      #expect(try server.sshTakes(text))
      #expect(try await attempt(text) == nil)
    }
  }

  @Test func anUnknownKeyIsShownAndNotTaken() async throws {
    defer { server.stop() }
    let fingerprint = try server.fingerprint()
    // Another key for the bare name does not speak against a port of its own.
    for text in [
      "", try server.knownHost(as: "elsewhere"), try server.knownHost("other", as: "127.0.0.1"), "garbage\n",
      "@cert-authority " + (try server.knownHost()),
    ] {
      let error = try await attempt(text)
      #expect(error == .hostKeyUnknown(host: name, keyType: "ssh-ed25519", fingerprint: fingerprint), "\(text)")
      #expect(error?.description.contains(fingerprint) == true)
    }
    // Strict: no question is asked.
    let strict = try await attempt("") {
      $0.unknownKeys = .refuse
      $0.accept = { _ in true }
    }
    guard case .hostKeyUnknown = strict else {
      Issue.record("\(strict as Any)")
      return
    }
  }

  @Test func anAcceptedKeyIsWrittenDown() async throws {
    defer { server.stop() }
    let file = "\(server.directory)/new/known_hosts"
    let asked = Mutex<[BastionSettings.HostKey]>([])
    #expect(
      try await attempt("") {
        $0.knownHostsFiles = [file]
        $0.accept = { key in
          asked.withLock { $0.append(key) }
          return true
        }
      } == nil)
    #expect(asked.withLock { $0 }.map(\.fingerprint) == [try server.fingerprint()])
    #expect(try String(contentsOfFile: file, encoding: .utf8) == server.knownHost())
    #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
    // ssh itself reads it.
    #expect(try run("/usr/bin/ssh-keygen", ["-F", name, "-f", file]).contains("ssh-ed25519"))
    #expect(try await attempt("") { $0.knownHostsFiles = [file] } == nil)
    let refused = try await attempt("") { $0.accept = { _ in false } }
    guard case .hostKeyUnknown = refused else {
      Issue.record("\(refused as Any)")
      return
    }
  }

  @Test func aPinDecides() async throws {
    defer { server.stop() }
    let fingerprint = try server.fingerprint()
    #expect(try await attempt("") { $0.pinnedFingerprint = fingerprint } == nil)
    let other = try server.fingerprint("other")
    let error = try await attempt(server.knownHost()) { $0.pinnedFingerprint = other }
    guard case .hostKeyChanged(_, _, fingerprint, let expected) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(expected.contains(other))
  }

  @Test func aChangedKeyIsRefusedWhateverAnybodySays() async throws {
    defer { server.stop() }
    let fingerprint = try server.fingerprint()
    let line = try server.knownHost("other")
    let right = try server.knownHost()
    for text in [
      line, "# one\n" + (try hashed(line)), "@revoked " + right, right + "@revoked *" + right.drop { $0 != " " },
    ] {
      let error = try await attempt(text) {
        $0.pinnedFingerprint = fingerprint
        $0.accept = { _ in true }
      }
      guard case .hostKeyChanged(name, "ssh-ed25519", fingerprint, let expected) = error else {
        Issue.record("\(text): \(error as Any)")
        continue
      }
      #expect(
        expected.hasPrefix("\(server.directory)/known_hosts:\(text.split(separator: "\n").count) "), "\(expected)")
    }
  }
}
