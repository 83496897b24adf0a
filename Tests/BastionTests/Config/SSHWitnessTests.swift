import Foundation
import TestSupport
import Testing

@testable import Bastion

/// Configurations as people have them, read here and by OpenSSH (`ssh -G`), which is the judge.
@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)))
struct SSHWitnessTests {
  private let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "bastion-tests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// The lines of `ssh -G` for the keywords that are read here; lists are joined by commas.
  private func witness(_ file: String, _ host: String, _ user: String?) throws -> [String: String] {
    let text = try run("/usr/bin/ssh", ["-F", file, "-G"] + (user.map { ["-l", $0] } ?? []) + [host])
    var found: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      guard parts.count == 2, Self.keywords.contains(parts[0]) else { continue }
      found[parts[0]] = (found[parts[0]].map { $0 + "," } ?? "") + parts[1]
    }
    if found["proxycommand"] == "none" { found["proxycommand"] = nil }
    return found
  }

  private static let keywords: Set<String> = [
    "hostname", "port", "user", "identityfile", "identitiesonly", "hostkeyalias", "stricthostkeychecking",
    "userknownhostsfile", "proxyjump", "identityagent", "hashknownhosts",
  ]

  private func own(_ file: String, _ host: String, _ user: String?) throws -> [String: String] {
    let current = SSHEnvironment.current
    let environment = SSHEnvironment(home: current.home, user: current.user)
    let config = try SSHConfig.load(for: host, user: user, files: [file], environment: environment)
    let remote = user ?? config.user ?? environment.user
    let name = config.hostName.map { environment.expand($0, host: host, port: config.port ?? 22, user: remote) } ?? host
    return [
      "hostname": name.lowercased(), "port": "\(config.port ?? 22)", "user": remote,
      "identityfile": config.identityFiles.isEmpty ? nil : config.identityFiles.joined(separator: ","),
      "identitiesonly": config.identitiesOnly == true ? "yes" : "no", "hostkeyalias": config.hostKeyAlias,
      "hashknownhosts": config.hashesKnownHosts == true ? "yes" : "no",
      "userknownhostsfile": config.userKnownHostsFiles?.joined(separator: " "), "identityagent": config.identityAgent,
      "proxyjump": (config.proxy?.jumps).flatMap { jumps in
        jumps.isEmpty ? nil : jumps.map { String($0.description.dropFirst("ssh://".count)) }.joined(separator: ",")
      },
      "stricthostkeychecking": config.unknownKeys.map { "\($0)" } ?? "ask",
    ].compactMapValues { $0 }
  }

  @Test(
    arguments: [
      ("Host web\n HostName %h.example.com\n IdentityFile ~/.ssh/%r@%h\n IdentityFile /k\n", "web", nil),
      (
        "Host web\n HostName web.example.com\nMatch host *.example.com\n Port 77\nMatch host web\n Port 78\n", "web",
        nil
      ),
      ("Host web\n HostName %h.example.com\nMatch host web.example.com\n Port 77\n", "web", nil),
      ("Match user bob\n Port 1\nMatch user BOB\n Port 2\nMatch all\n User bob\n", "web", "BOB"),
      ("Match originalhost WEB,other\n Port 5\n", "web", nil),
      ("Host a\nMatch host=a\nPort=5\nUser   =   joe\n", "a", nil),
      ("Host A*\n Port 4\nHost b\n Port 5\n", "aB", nil), ("Host A*\n Port 4\nHost b\n Port 5\n", "B", nil),
      ("Host * !web\n Port 4\nHost w?b\n User me\n", "web", nil), ("Host *.example.com db*\nUser x\n", "db1", nil),
      ("Host a\r\n  Port 5\r\n  User joe\r\nHost b\r\n  Port 6\r\n", "a", nil),
      ("Host a # comment\n Port 5 # c\n", "b", nil),
      ("Host a\n IdentityFile \"a b\" \n IdentityFile c\\ d\n IdentityFile \"x\\\"y\"\n User \"x y\"z\n", "a", nil),
      ("Host 'a'\n UserKnownHostsFile /x \"/y\" /z\n HostKeyAlias other\n", "a", nil),
      ("Host a\nIdentitiesOnly yes\nIdentityAgent none\nHashKnownHosts yes\nHost *\nIdentitiesOnly no\n", "a", nil),
      ("StrictHostKeyChecking accept-new\n", "a", nil), ("StrictHostKeyChecking off\n", "a", nil),
      ("StrictHostKeyChecking Yes\n", "a", nil), ("StrictHostKeyChecking ask\n", "a", nil),
      ("Host a\n ProxyJump me@gate:2201,inner\n", "a", nil),
      ("Host a\n ProxyJump none\nHost *\n ProxyJump gate\n", "a", nil),
      ("Match final host a\n Port 9\nMatch all\n Port 22\nUser u\n", "a", nil),
      ("Match final\n Port 9\nMatch !final\n User u\nMatch canonical\n HostKeyAlias c\n", "a", nil),
      ("Match canonical\n Port 9\n", "a", nil), ("Match exec \"false\"\n Port 9\nHost *\nPort 10\n", "a", nil),
      ("host A\nPORT 7\nhost a\npOrT 8\nUSER Joe\n", "a", nil), ("\tHost\ta\n\tPort\t5\n\n\n#x\n   \n", "a", nil),
      ("IdentityFile ~/.ssh/one\nHost a\nIdentityFile ~/.ssh/two\nIdentityFile ~/.ssh/one\n", "a", nil),
      ("Host ::1\nPort 5\nHost *\nUser u\n", "::1", nil), ("Host 10.0.*\nUser u\n", "10.0.3.4", nil),
    ] as [(String, String, String?)])
  func asOpenSSHReadsIt(text: String, host: String, user: String?) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try text.write(toFile: "\(folder)/config", atomically: true, encoding: .utf8)
    var expected = try witness("\(folder)/config", host, user)
    let found = try own("\(folder)/config", host, user)
    // Its defaults, where nothing is said.
    for keyword in ["identityfile", "userknownhostsfile"] where found[keyword] == nil { expected[keyword] = nil }
    expected["stricthostkeychecking"] = expected["stricthostkeychecking"].map {
      ["true": "refuse", "false": "accept", "accept-new": "accept"][$0] ?? $0
    }
    #expect(found == expected, "\(text)")
  }

  @Test func aFileThatIsIncludedIsReadInItsPlace() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "Port 3\nHost other\nUser no\n".write(toFile: "\(folder)/one", atomically: true, encoding: .utf8)
    try "Host *\nUser yes\n".write(toFile: "\(folder)/two", atomically: true, encoding: .utf8)
    for text in [
      "Host b\nInclude \(folder)/one\nHost a\nInclude \(folder)/one \(folder)/t*\n",
      "Include \(folder)/tw* \(folder)/on*\n",
    ] {
      try text.write(toFile: "\(folder)/config", atomically: true, encoding: .utf8)
      let (found, expected) = (try own("\(folder)/config", "a", nil), try witness("\(folder)/config", "a", nil))
      for keyword in ["port", "user"] { #expect(found[keyword] == expected[keyword], "\(keyword): \(text)") }
    }
  }
}
