import Daemon
import Foundation
import Synchronization
import Testing

@testable import ControlAPI

@Suite(.timeLimit(.minutes(1)))
struct DaemonStarterTests {
  @Test func commandsAtOnceStartOneDaemon() async throws {
    try await withTemporaryPaths { paths in
      let started = Mutex<[Task<Void, any Error>]>([])
      let starter = DaemonStarter(paths: paths) { paths throws(ControlError) in
        // As slow as a process would be.
        let server = Task {
          try await Task.sleep(for: .milliseconds(100))
          try await ControlServer(paths: paths, engine: FakeEngine(), logger: DaemonFixture.quiet).run()
        }
        started.withLock { $0.append(server) }
        return nil
      }
      let reports = try await withThrowingTaskGroup(of: StatusReport.self) { group in
        for _ in 0..<8 { group.addTask { try await ControlClient(starter: starter).call(StatusRequest()) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(reports.count == 8)
      let servers = started.withLock { $0 }
      #expect(servers.count == 1)
      servers.forEach { $0.cancel() }
      for server in servers { _ = await server.result }
    }
  }

  @Test func aDaemonThatDiesAtOnceShowsItsLastWords() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      try "an older line\n".write(toFile: paths.log, atomically: false, encoding: .utf8)
      let start = DaemonStarter.program(
        ["-c", "pwd >&2; readlink /proc/self/fd/0 >&2; echo no memory >&2; exit 3"], executable: "/bin/sh")
      let problem = await #expect(throws: ControlError.self) {
        try await ControlClient(starter: DaemonStarter(paths: paths, start: start)).call(
          StatusRequest())
      }
      #expect(problem?.details == ["/", "/dev/null", "no memory"])
      #expect(problem?.remedy?.contains(paths.log) == true)
    }
  }

  @Test func aDaemonThatNeverAnswersIsGivenUp() async throws {
    try await withTemporaryPaths { paths in
      let starter = DaemonStarter(paths: paths, deadline: .milliseconds(50)) { _ throws(ControlError) in nil }
      let problem = await #expect(throws: ControlError.self) {
        try await ControlClient(starter: starter).call(StatusRequest())
      }
      #expect(problem?.details == [] && problem?.message.contains(paths.socket) == true)
    }
  }

  @Test func aSocketFileThatAKilledDaemonLeftIsReplaced() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: paths.socket.utf8) }
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      close(fd)
      try #require(bound == 0)
      #expect(try ControlClient.ofRunningDaemon(paths: paths) == nil)
      let server = try ControlServer(paths: paths, engine: FakeEngine(), logger: DaemonFixture.quiet)
      let task = Task { await server.run() }
      #expect(try ControlClient.ofRunningDaemon(paths: paths) != nil)
      task.cancel()
      await task.value
    }
  }

  @Test func oneDaemonHoldsTheLock() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      do {
        let first = try await DaemonLock(paths: paths, patience: .zero)
        let problem = await #expect(throws: ControlError.self) {
          _ = try await DaemonLock(paths: paths, patience: .milliseconds(20))
        }
        #expect(problem?.code == .conflict)
        #expect(problem?.message.contains("process \(getpid()) holds") == true)
        #expect(problem?.remedy?.contains("`kill \(getpid())`") == true)
        withExtendedLifetime(first) {}
      }
      // A process that another test is just starting has the descriptor until its exec.
      _ = try await DaemonLock(paths: paths, patience: .seconds(2))
    }
  }
}
