import ControlAPI
import Foundation
import Subprocess
import Testing

extension LabTests {
  /// The built command and its daemon, which is killed while it intercepts.
  @Suite(.enabled(if: Lab.executable != nil, "the command devtunnel is not built")) struct DaemonDeathTests {
    @Test func theOriginTakesOverAndTheNextDaemonCleansUp() async throws {
      try await Lab.run { lab in
        let host = try HostServer("hello from the host")
        let command = try Command(lab)
        defer { host.stop() }
        do {
          try await command("-n", "shop", "intercept", "web", "--port", "\(host.port)")
          try await lab.expect("hello from the host")

          kill(try await command.daemon(), SIGKILL)
          // A dead daemon's kernel closes its connections; the agent need not wait for a ping.
          try await lab.expect("hello from the cluster")

          // Any command starts the next daemon, and that one finds the journal.
          try await command("status")
          try await lab.expectNoTraces()
          try await lab.expect("hello from the cluster")
        } catch {
          _ = try? await command("quit")
          throw error
        }
        try await command("quit")
      }
    }
  }
}

/// `devtunnel`, for a user whose directories are the lab's.
private struct Command {
  private let executable: String
  private let environment: Environment

  init(_ lab: Lab) throws {
    executable = try #require(Lab.executable)
    try FileManager.default.createDirectory(atPath: lab.directory + "/run", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    environment = .inherit.updating([
      "KUBECONFIG": lab.directory + "/kubeconfig", "XDG_RUNTIME_DIR": lab.directory + "/run", "XDG_STATE_HOME": lab.directory + "/state",
      "XDG_CONFIG_HOME": lab.directory + "/config",
    ])
  }

  @discardableResult
  func callAsFunction(_ arguments: String...) async throws -> String {
    let done = try await Subprocess.run(
      .path(.init(executable)), arguments: Arguments(arguments), environment: environment, output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 20))
    guard done.terminationStatus.isSuccess else { throw RequestFailure("devtunnel \(arguments.joined(separator: " ")): \(done.standardError)") }
    return done.standardOutput
  }

  func daemon() async throws -> Int32 {
    let status = try JSONDecoder().decode(StatusReport.self, from: Data(try await self("status", "--output", "json").utf8))
    return Int32(try #require(status.daemon?.pid))
  }
}
