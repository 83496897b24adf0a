import ControlAPI
import Daemon
import Foundation
import Logging
import Testing

/// A daemon in this process, with its files in a directory that is removed at the end.
struct DaemonFixture: Sendable {
  let paths: ControlPaths
  let engine: FakeEngine
  let server: Task<Void, Never>

  static let request = InterceptRequest(cluster: ClusterSelection(), service: "user", ports: [])

  /// Runs `body` beside a daemon that listens already.
  static func with(
    _ engine: FakeEngine = FakeEngine(), build: BuildVersion = .current, _ body: (DaemonFixture) async throws -> Void
  ) async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      let server = try ControlServer(paths: paths, engine: engine, build: build, logger: quiet)
      let task = Task { await server.run() }
      let fixture = DaemonFixture(paths: paths, engine: engine, server: task)
      do {
        try await body(fixture)
      } catch {
        task.cancel()
        await task.value
        throw error
      }
      task.cancel()
      await task.value
    }
  }

  static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  func status() async throws -> StatusReport { try await call(StatusRequest()) }

  func client() throws -> ControlClient { try #require(try ControlClient.ofRunningDaemon(paths: paths)) }

  func call<Request: ControlRequest>(_ request: Request) async throws -> Request.Reply {
    try await client().call(request)
  }
}

func withTemporaryPaths<Outcome>(_ body: (ControlPaths) async throws -> Outcome) async throws -> Outcome {
  // Short: a Unix socket's path has at most 107 bytes.
  let root = "/tmp/dt-" + UUID().uuidString.prefix(8)
  defer { try? FileManager.default.removeItem(atPath: root) }
  return try await body(ControlPaths(runtime: root + "/run", state: root + "/state", config: root + "/config"))
}
