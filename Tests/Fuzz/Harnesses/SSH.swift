@testable import Bastion

extension Harness {
  static let sshConfig = Harness(
    name: "ssh-config",
    dictionary: [
      "Host ", "Match ", "host ", "user ", "all", "HostName ", "Port ", "User ", "IdentityFile ", "IdentitiesOnly yes",
      "UserKnownHostsFile ", "StrictHostKeyChecking ",
      "ProxyJump ", "\"", "=", "!", "*", "?", "#", "%h", "~/",
    ]
  ) { bytes in
    guard !hasInclude(bytes) else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    let environment = SSHEnvironment(home: "/nowhere", user: "me")
    var parser = SSHConfigParser(host: "bastion.example", user: nil, environment: environment)
    do throws(BastionError) { try parser.read(text: text, file: "config", depth: 0) } catch {
      _ = "\(error)"
      return
    }
    try promise(parser.config.port != 0, "port 0")
    for file in parser.config.identityFiles { _ = environment.expand(file, host: "h", port: 22, user: "u") }
    guard let url = try? BastionURL("ssh://" + (text.split(separator: "\n").first ?? "")) else { return }
    try promise(url.port != 0 && !url.host.isEmpty, "a URL that leads nowhere")
  }

  static let knownHosts = Harness(
    name: "known-hosts",
    dictionary: [
      "@revoked ", "@cert-authority ", "|1|", "[h]:2222 ", "h,", "*.h", "!h", " ssh-ed25519 AAAA",
      " ecdsa-sha2-nistp256 ", "#",
    ]
  ) { bytes in
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").enumerated().compactMap {
      KnownHostsLine($1, file: "known_hosts", line: $0 + 1)
    }
    for port: UInt16 in [22, 2222] {
      let hosts = KnownHosts(lines, host: "h", port: port)
      for type in hosts.keyTypes.prefix(4) {
        if case .known = hosts.judge(type: type, key: "none") {
          throw BrokenPromise(description: "a key is known that no line has")
        }
      }
    }
  }

  /// An Include would read this machine's files.
  private static func hasInclude(_ bytes: [UInt8]) -> Bool {
    let word = Array("include".utf8)
    var count = 0
    for byte in bytes {
      // In lower case.
      let letter = byte | 0x20
      count = letter == word[count] ? count + 1 : letter == word[0] ? 1 : 0
      if count == word.count { return true }
    }
    return false
  }
}
