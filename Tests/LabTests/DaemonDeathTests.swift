import Foundation
import Testing

extension LabTests {
  /// The built command and its daemon, which is killed while it intercepts.
  @Suite(.enabled(if: Lab.executable != nil, "the command devtunnel is not built")) struct DaemonDeathTests {
    @Test func theOriginTakesOverAndTheNextDaemonCleansUp() async throws {
      try await Lab.run { lab in
        let host = try HostServer("hello from the host")
        let command = try Command(lab)
        defer { host.stop() }
        try await command.during {
          try await command("-n", "shop", "intercept", "web", "--port", "\(host.port)")
          try await lab.expect("hello from the host")

          kill(try await command.daemon(), SIGKILL)
          // A dead daemon's kernel closes its connections; the agent need not wait for a ping.
          try await lab.expect("hello from the cluster")

          // Any command starts the next daemon, and that one finds the journal.
          try await command("status")
          try await lab.expectNoTraces()
          try await lab.expect("hello from the cluster")
        }
      }
    }
  }
}
