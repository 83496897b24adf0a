import Foundation
import Testing

@testable import Bastion

struct SSHConfigTests {
  private let folder: String
  private let environment: SSHEnvironment

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "bastion-tests-\(UUID().uuidString)").path
    environment = SSHEnvironment(home: folder, user: "alice", agentSocket: "/agent")
    try FileManager.default.createDirectory(atPath: "\(folder)/.ssh/more", withIntermediateDirectories: true)
  }

  @discardableResult private func write(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: "\(folder)/.ssh/\(name)", atomically: true, encoding: .utf8)
    return "\(folder)/.ssh/\(name)"
  }

  private func load(_ text: String, host: String = "bastion", user: String? = nil) throws -> SSHConfig {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try SSHConfig.load(for: host, user: user, files: [try write("config", text)], environment: environment)
  }

  @Test func theFirstValueCountsAndIdentityFilesAddUp() throws {
    let config = try load(
      """
      # first
      Port 2200
      Host other bastion
        HostName 10.0.0.1
        User=bob
        identityfile "~/.ssh/my key"
        Port 22
        StrictHostKeyChecking accept-new
      Host *
        User carol
        IdentityFile ~/.ssh/id_%r # the last
        IdentitiesOnly yes
        UserKnownHostsFile ~/.ssh/a ~/.ssh/b
        SendEnv LANG
      """)
    #expect(config.hostName == "10.0.0.1" && config.port == 2200 && config.user == "bob")
    #expect(config.identityFiles == ["~/.ssh/my key", "~/.ssh/id_%r"])
    #expect(config.identitiesOnly == true && config.unknownKeys == .accept)
    #expect(config.userKnownHostsFiles == ["~/.ssh/a", "~/.ssh/b"])
  }

  @Test func matchBlocks() throws {
    let text = """
      Match originalhost bastion user bob
        Port 1
      Match exec "true"
        Port 2
      Match host b*,!bastion
        Port 3
      Match localuser alice !user bob
        Port 4
      Match all
        Port 5
      """
    #expect(try load(text, user: "bob").port == 1)
    try FileManager.default.createDirectory(atPath: "\(folder)/.ssh", withIntermediateDirectories: true)
    #expect(try load(text).port == 4)
    try FileManager.default.createDirectory(atPath: "\(folder)/.ssh", withIntermediateDirectories: true)
    #expect(try load(text, host: "bx", user: "bob").port == 3)
  }

  @Test func includesAreReadWhereTheyStand() throws {
    try write("more/10", "User first\n")
    try write("more/20", "Host elsewhere\nPort 7\n")
    let config = try load("Host other\nInclude more/*\nHost bastion\nInclude more/20 more/10 missing\nUser last\n")
    #expect(config.user == "first" && config.port == nil)
  }

  @Test func anEndlessIncludeIsAnError() throws {
    let error = #expect(throws: BastionError.self) { try load("Include config\n") }
    #expect(error?.description.contains("nested") == true)
  }

  @Test(arguments: [
    ("Port ssh", "'ssh' is not a port"), ("Port 0", "'0' is not a port"), ("User", "User has no value"),
    ("IdentityFile \"x", "quotation mark"),
    ("IdentitiesOnly perhaps", "neither yes nor no"), ("ProxyJump gate:0", "'0' is not a port"),
    ("ProxyJump gate,", "ProxyJump '' names no SSH host"), ("ProxyCommand nc %h %p", "ProxyCommand reaches bastion"),
  ]) func anErrorNamesFileAndLine(line: String, problem: String) throws {
    let error = #expect(throws: BastionError.self) { try load("# one\nHost bastion\n\(line)\n") }
    #expect(error?.description.contains(problem) == true, "\(error as Any)")
    #expect(error?.description.hasPrefix("\(folder)/.ssh/config:3: ") == true)
  }

  @Test(arguments: ["ProxyJump none", "ProxyCommand none"]) func theFirstProxyCounts(line: String) throws {
    let config = try load("Host bastion\n\(line)\nHost *\nProxyJump gate\nProxyCommand nc %h %p\nUser u\n")
    #expect(config.user == "u" && config.proxy?.jumps == [])
  }

  // MARK: Hops

  private func hops(_ text: String, _ url: String = "ssh://inner") throws -> [String] {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = try write("config", text)
    let settings = try BastionSettings(BastionURL(url), environment: environment) { host, user throws(BastionError) in
      try SSHConfig.load(for: host, user: user, files: [file], environment: environment)
    }
    #expect(settings.hops.allSatisfy { $0.hops.isEmpty })
    return (settings.hops + [settings]).map { "\($0.user)@\($0.name)" }
  }

  /// As `ssh -G` and `ssh -v` of OpenSSH 9.2 show it.
  @Test(arguments: [
    ("Host inner\nProxyJump gate\nHost gate\nUser bob\nPort 2201", ["bob@[gate]:2201", "alice@inner"]),
    ("Host inner\nProxyJump carol@gate:7\nHost gate\nUser bob\nPort 2201", ["carol@[gate]:7", "alice@inner"]),
    ("Host inner\nProxyJump ssh://gate\nHost gate\nHostName 10.0.0.1", ["alice@10.0.0.1", "alice@inner"]),
    ("Host *\nUser u\nHost inner\nProxyJump a,b\nHost a b\nPort 1", ["u@[a]:1", "u@[b]:1", "u@inner"]),
    // The first one's own way counts, the second one's does not.
    (
      "Host inner\nProxyJump a,b\nHost a\nProxyJump first\nHost b\nProxyJump never",
      ["alice@first", "alice@a", "alice@b", "alice@inner"]
    ),
    ("Host !gate *\nProxyJump gate", ["alice@gate", "alice@inner"]),
    ("Host gate\nProxyJump none\nHost *\nProxyJump gate", ["alice@gate", "alice@inner"]),
  ])
  func hopsAreThoseOfSSH(text: String, expected: [String]) throws { #expect(try hops(text) == expected) }

  @Test(arguments: [
    ("Host *\nProxyJump gate", "the way to gate passes gate again"),
    ("Host inner\nProxyJump gate\nHost gate\nProxyJump inner", "the way to inner passes inner again"),
    (
      (0..<12).map { "Host \($0 == 0 ? "inner" : "h\($0)")\nProxyJump h\($0 + 1)" }.joined(separator: "\n"),
      "more than 8 hosts on the way to inner"
    ),
  ])
  func anEndlessWayIsAnError(text: String, problem: String) throws {
    let error = #expect(throws: BastionError.self) { try hops(text) }
    #expect(error?.description.contains(problem) == true, "\(error as Any)")
    #expect(error?.description.hasPrefix("\(folder)/.ssh/config:") == true)
  }

  // MARK: Settings

  @Test func settingsAreResolvedAsSSHWould() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("id_ecdsa", "")
    var config = SSHConfig()
    config.hostName = "%h.example.com"
    config.user = "bob"
    var settings = try BastionSettings(BastionURL("ssh://bastion"), environment: environment) { _, _ in config }
    #expect(
      settings.host == "bastion.example.com" && settings.port == 22 && settings.user == "bob"
        && settings.agentSocket == "/agent")
    #expect(settings.identityFiles == ["\(folder)/.ssh/id_ecdsa"])
    #expect(
      settings.knownHostsFiles.first == "\(folder)/.ssh/known_hosts"
        && settings.knownHostsFiles.contains("/etc/ssh/ssh_known_hosts"))
    #expect(settings.name == "bastion.example.com")
    config.port = 2200
    config.identityFiles = ["~/.ssh/%u-%r-%h-%p-%%-%d"]
    config.identityAgent = "none"
    config.userKnownHostsFiles = ["none"]
    settings = try BastionSettings(BastionURL("ssh://carol@bastion"), environment: environment) { _, _ in config }
    #expect(settings.identityFiles == ["\(folder)/.ssh/alice-carol-bastion.example.com-2200-%-\(folder)"])
    #expect(settings.agentSocket == nil && settings.name == "[bastion.example.com]:2200")
    #expect(settings.knownHostsFiles.first == "/etc/ssh/ssh_known_hosts")
    settings = try BastionSettings(BastionURL("ssh://bastion:22"), environment: environment) { _, _ in config }
    #expect(settings.port == 22)
  }
}
