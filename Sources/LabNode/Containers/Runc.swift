import KubeObjects

/// The program that makes containers, with a state of its own under the node's directory.
struct Runc: Sendable {
  private let runc: Command
  let root: String
  /// Whether containers get a cgroup: not every machine lets its root make them.
  let hasCgroups: Bool

  init(root: String, hasCgroups: Bool) throws {
    runc = try Command("runc", package: "runc")
    self.root = root
    self.hasCgroups = hasCgroups
  }

  /// Creates and starts a container whose `config.json` stands in `bundle`.
  /// - Parameter log: takes both output streams.
  /// - Throws: `commandFailed` with the reason in runc's words, such as a program that is not in the image.
  func run(_ identifier: String, bundle: String, log: ContainerLog) async throws -> ContainerProcess {
    let pidFile = bundle + "/pid"
    let messages = bundle + "/runc.log"
    let status = try await runc.status(
      options + ["--log", messages, "--log-format", "json", "run", "--detach", "--bundle", bundle, "--pid-file", pidFile, identifier],
      output: log.standardOutput, error: log.standardError)
    guard status == 0, let pid = Files.readText(pidFile).flatMap({ Int32($0.trimmed) }) else {
      let reason = (Files.readText(messages) ?? "").split(separator: "\n").last.flatMap { try? JSONValue(parsing: String($0))["msg"]?.stringValue }
      await remove(identifier)
      throw LabNodeError(.commandFailed, reason ?? "runc run failed with status \(status)")
    }
    return try ContainerProcess(pid: pid)
  }

  /// Runs a command in a container as the container's user, with its environment.
  /// - Returns: nil where it took longer than `timeout`; it has then been killed.
  func exec(_ identifier: String, _ command: [String], timeout: Duration) async throws -> Command.Result? {
    try await runc.result(options + ["exec", identifier] + command, timeout: timeout)
  }

  /// Kills what is left of a container and forgets it.
  func remove(_ identifier: String) async {
    _ = try? await runc.result(options + ["delete", "--force", identifier])
  }

  /// The containers that runc knows under this root, dead or alive.
  func identifiers() -> [String] { Files.names(in: root) }

  // What runc calls rootless is here only its leave to go on without cgroups.
  private var options: [String] { ["--root", root] + (hasCgroups ? [] : ["--rootless=true"]) }
}
