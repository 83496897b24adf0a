import Glibc
import KubeObjects

/// The program that makes containers, with a state of its own under the node's directory.
struct Runc: Sendable {
  let runc: Command
  let root: String
  /// True if containers get a cgroup: not every machine lets its root make them.
  let hasCgroups: Bool

  init(root: String, hasCgroups: Bool) throws {
    runc = try Command("runc", package: "runc")
    self.root = root
    self.hasCgroups = hasCgroups
  }

  /// Creates and starts a container whose `config.json` is in `bundle`.
  /// - Parameter log: takes both output streams.
  /// - Throws: `commandFailed` with the reason in runc's words, such as a program that is not in the image.
  func run(_ identifier: String, bundle: String, log: ContainerLog) async throws -> ContainerProcess {
    let pidFile = bundle + "/pid"
    let messages = bundle + "/runc.log"
    let status = try await runc.status(
      options + [
        "--log", messages, "--log-format", "json", "run", "--detach", "--bundle", bundle, "--pid-file", pidFile,
        identifier,
      ],
      output: log.standardOutput, error: log.standardError)
    guard status == 0, let pid = Files.readText(pidFile).flatMap({ Int32($0.trimmed) }) else {
      let reason = (Files.readText(messages) ?? "").split(whereSeparator: \.isNewline).last.flatMap {
        try? JSONValue(parsing: String($0))["msg"]?.stringValue
      }
      await remove(identifier)
      throw LabNodeError(.commandFailed, reason ?? "runc run failed with status \(status)")
    }
    return try ContainerProcess(pid: pid)
  }

  /// Runs a command in a container as the container's user, with its environment.
  /// - Returns: nil where it took longer than `timeout`; it has then been killed.
  func exec(_ identifier: String, _ command: [String], timeout: Duration) async throws -> Command.Result? {
    let pidFile = root + "-exec-\(UInt64.random(in: 0...UInt64.max)).pid"
    defer { Files.remove(pidFile) }
    do {
      let done = try await runc.result(
        options + ["exec", "--pid-file", pidFile, identifier] + command, timeout: timeout)
      if done == nil { Self.killStraggler(pidFile) }
      return done
    } catch {
      Self.killStraggler(pidFile)
      throw error
    }
  }

  /// A command that would not end when asked outlives the runc that ran it.
  private static func killStraggler(_ pidFile: String) {
    guard let pid = Files.readText(pidFile).flatMap({ Int32($0.trimmed) }) else { return }
    // The number may be a stranger's by now; a process of a container is known by its namespace.
    guard let namespace = Files.link("/proc/\(pid)/ns/pid"), namespace != Files.link("/proc/self/ns/pid") else {
      return
    }
    guard let process = try? ContainerProcess(pid: pid) else { return }
    process.send(SIGKILL)
    // It comes to this process as an orphan; if it is not reaped, it would keep its container from ending.
    Task { _ = await process.exit }
  }

  /// Kills what is left of a container and forgets it.
  func remove(_ identifier: String) async {
    _ = try? await runc.result(options + ["delete", "--force", identifier])
  }

  /// Kills the first process of a container that another node started, waits for its end, and forgets the container.
  func removeAbandoned(_ identifier: String) async {
    if let state = Files.read("\(root)/\(identifier)/state.json").flatMap({ try? JSONValue(parsing: $0) }),
      let pid = state["init_process_pid"]?.intValue.flatMap(Int32.init(exactly:)),
      let start = state["init_process_start"]?.intValue,
      let process = try? ContainerProcess(pid: pid),
      // With its start a number that the kernel has given to another process is distinguished.
      ProcessIdentity(pid: pid)?.started == UInt64(exactly: start)
    {
      process.send(SIGKILL)
      _ = await process.exit
    }
    await remove(identifier)
  }

  /// The containers that runc knows under this root, dead or alive.
  func identifiers() -> [String] { Files.names(in: root) }

  // In this case `--rootless` only allows runc to go on without cgroups.
  var options: [String] { ["--root", root] + (hasCgroups ? [] : ["--rootless=true"]) }
}
