import ControlAPI
import Foundation
import Subprocess
import Testing

/// A machine beside the host on which OpenSSH's sshd runs, and at whose 127.0.0.1 alone the lab's API server answers.
struct BastionHost: Sendable {
  static let isInstalled = ["/usr/sbin/sshd", "/usr/bin/ssh-keygen"].allSatisfy(
    FileManager.default.isExecutableFile(atPath:))

  /// By it.
  let cluster: ClusterSelection
  let way: Blockade

  /// The same without it.
  func direct(_ request: InterceptRequest) -> InterceptRequest {
    var request = request
    request.cluster.bastion = nil
    return request
  }

  static func run(_ lab: Lab, _ test: @Sendable (BastionHost) async throws -> Void) async throws {
    try await Neighbour.run(lab) { neighbour in
      let directory = "\(lab.directory)/bastion-\(UUID().uuidString.prefix(8))"
      try FileManager.default.createDirectory(
        atPath: directory + "/.ssh", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      var (way, cluster) = try lab.blockade(in: neighbour.namespace)
      defer { way.stop() }
      cluster.bastion = BastionSelection(
        url: "ssh://\(NSUserName())@\(neighbour.address)", home: directory, user: NSUserName())
      try await configure(directory, neighbour)
      let bastion = BastionHost(cluster: cluster, way: way)
      try await withThrowingTaskGroup(of: Void.self) { group in
        // In the foreground: it ends with its task.
        group.addTask { try await serve(directory, neighbour) }
        try await eventually("sshd listens") { try await neighbour.inside("ss -Hltn sport = :22").contains(":22") }
        let result: Result<Void, any Error>
        do { result = .success(try await test(bastion)) } catch { result = .failure(error) }
        group.cancelAll()
        while await group.nextResult() != nil {}
        try result.get()
      }
    }
  }

  private static func configure(_ directory: String, _ neighbour: Neighbour) async throws {
    for path in ["\(directory)/host", "\(directory)/.ssh/id_ed25519"] {
      try await command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path])
    }
    let key = try String(contentsOfFile: "\(directory)/host.pub", encoding: .utf8).split(separator: " ")
    try "\(neighbour.address) \(key[0]) \(key[1])\n".write(
      toFile: "\(directory)/.ssh/known_hosts", atomically: true, encoding: .utf8)
    let text = """
      ListenAddress \(neighbour.address)
      HostKey \(directory)/host
      AuthorizedKeysFile \(directory)/.ssh/id_ed25519.pub
      PidFile none
      StrictModes no
      UsePAM no
      PasswordAuthentication no
      PermitRootLogin yes
      AllowTcpForwarding yes

      """
    try text.write(toFile: "\(directory)/sshd_config", atomically: true, encoding: .utf8)
  }

  private static func serve(_ directory: String, _ neighbour: Neighbour) async throws {
    // sshd wants this folder where it runs as root; it stays empty.
    try? FileManager.default.createDirectory(
      atPath: "/run/sshd", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    _ = try await Subprocess.run(
      .name("nsenter"),
      arguments: ["--net=\(neighbour.namespace)", "/usr/sbin/sshd", "-D", "-e", "-f", "\(directory)/sshd_config"],
      output: .discarded,
      error: .discarded)
  }
}
