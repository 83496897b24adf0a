import Bastion
import Foundation
import Glibc
import Synchronization
import TestSupport

/// OpenSSH's sshd as a process of the test's own: loopback, keys and configuration in a temporary directory, this
/// process's user.
final class SSHServer: Sendable {
  static let program = "/usr/sbin/sshd"
  static var isInstalled: Bool {
    [program, "/usr/bin/ssh-keygen", "/usr/bin/ssh-agent", "/usr/bin/ssh-add"].allSatisfy(
      FileManager.default.isExecutableFile(atPath:))
  }
  static let missing = "openssh-server and openssh-client are not installed"

  let directory: String
  let port: UInt16
  private let process: ChildProcess

  /// - Parameter options: lines for sshd_config, which count more than those below.
  init(options: String = "", directory old: String? = nil, port oldPort: UInt16? = nil) throws {
    let directory =
      old ?? FileManager.default.temporaryDirectory.appending(path: "bastion-tests-\(UUID().uuidString)").path
    self.directory = directory
    port = oldPort ?? freePort()
    if old == nil {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      for name in ["host", "client"] { try Self.keygen(name, in: directory) }
      try FileManager.default.copyItem(atPath: "\(directory)/client.pub", toPath: "\(directory)/authorized")
    }
    // sshd wants this folder where it runs as root, and starts without it nowhere; it stays empty.
    if getuid() == 0 { mkdir("/run/sshd", 0o755) }
    let text = """
      \(options)
      ListenAddress 127.0.0.1
      Port \(port)
      HostKey \(directory)/host
      AuthorizedKeysFile \(directory)/authorized
      PidFile none
      StrictModes no
      UsePAM no
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      PermitRootLogin yes
      AllowTcpForwarding yes
      MaxStartups 100
      LogLevel VERBOSE

      """
    try text.write(toFile: "\(directory)/sshd_config", atomically: true, encoding: .utf8)
    process = try ChildProcess(Self.program, ["-D", "-e", "-f", "\(directory)/sshd_config"])
    guard process.output.wait(for: "Server listening") else {
      throw TestProblem("sshd did not start: \(process.output.text)")
    }
  }

  func keygen(_ name: String, _ arguments: [String] = ["-t", "ed25519"], passphrase: String = "") throws {
    try Self.keygen(name, arguments, passphrase: passphrase, in: directory)
  }

  private static func keygen(
    _ name: String, _ arguments: [String] = ["-t", "ed25519"], passphrase: String = "", in directory: String
  ) throws {
    try run("/usr/bin/ssh-keygen", ["-q", "-N", passphrase, "-C", name, "-f", "\(directory)/\(name)"] + arguments)
  }

  /// Lets a key in besides `client`.
  func authorize(_ name: String, options: String = "") throws {
    let key = try String(contentsOfFile: "\(directory)/\(name).pub", encoding: .utf8)
    let all = try String(contentsOfFile: "\(directory)/authorized", encoding: .utf8)
    try (all + options + key).write(toFile: "\(directory)/authorized", atomically: true, encoding: .utf8)
  }

  /// "[127.0.0.1]:port type key".
  func knownHost(_ key: String = "host", as name: String? = nil) throws -> String {
    let words = try String(contentsOfFile: "\(directory)/\(key).pub", encoding: .utf8).split(separator: " ")
    return "\(name ?? "[127.0.0.1]:\(port)") \(words[0]) \(words[1])\n"
  }

  /// Returns true if OpenSSH's own client accepts the server's key with these known_hosts, without a question.
  func sshTakes(_ knownHosts: String) throws -> Bool {
    let file = try write("ssh_known_hosts", knownHosts)
    let options = [
      "UserKnownHostsFile=\(file)", "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes", "BatchMode=yes",
      "IdentitiesOnly=yes", "UpdateHostKeys=no",
    ]
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/ssh")
    process.arguments =
      ["-F", "none", "-i", "\(directory)/client", "-p", "\(port)"] + options.flatMap { ["-o", $0] } + [
        "127.0.0.1", "true",
      ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  func write(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
    return "\(directory)/\(name)"
  }

  func fingerprint(_ key: String = "host") throws -> String {
    String(try run("/usr/bin/ssh-keygen", ["-lf", "\(directory)/\(key).pub"]).split(separator: " ")[1])
  }

  /// For a client that knows the host and has the key.
  func settings(identities: [String] = ["client"], knownHosts: String? = nil) throws -> BastionSettings {
    let file = try write("known_hosts", knownHosts ?? knownHost())
    return BastionSettings(
      host: "127.0.0.1", port: port, user: NSUserName(), identityFiles: identities.map { "\(directory)/\($0)" },
      knownHostsFiles: [file])
  }

  /// The processes that serve connections.
  var children: [Int32] {
    let pid = process.pid
    let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
    return (text ?? "").split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
  }

  func signalChildren(_ signal: Int32) { for child in children { kill(child, signal) } }

  var log: LineReader { process.output }

  /// Ends it, its connections, and its directory.
  func stop(keepingDirectory: Bool = false) {
    let children = children
    process.end()
    for child in children { kill(child, SIGKILL) }
    if !keepingDirectory { try? FileManager.default.removeItem(atPath: directory) }
  }
}
