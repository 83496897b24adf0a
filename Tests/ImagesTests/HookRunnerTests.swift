import FoundationEssentials
import Skaffold
import Synchronization
import Testing

@testable import Images

struct HookRunnerTests {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  private func run(_ command: [String], systems: [String] = [], limit: Duration = .seconds(20)) async throws(BuildError)
    -> [String]
  {
    let lines = Lines()
    let hook = HostHook(command: command, systems: systems, directory: "/usr")
    try await HookRunner(environment: ["PATH": "/usr/bin:/bin", "OWN": "1"], limit: limit).run(
      hook, variables: ["SKAFFOLD_IMAGE": "a:1", "OWN": "2"]
    ) { line in lines.all.withLock { $0.append(line) } }
    return lines.all.withLock { $0 }
  }

  @Test("A hook runs in its directory with Skaffold's variables; the environment's own win")
  func runs() async throws {
    let lines = try await run(["sh", "-c", "pwd; echo $SKAFFOLD_IMAGE $SKAFFOLD_WORK_DIR $OWN; echo error >&2"])
    #expect(lines == ["/usr", "a:1 /usr 1", "error"])
    #expect(try await run(["false"], systems: ["windows"]) == [])
  }

  @Test("A hook that fails, is not there, or does not end is an error with its output", .timeLimit(.minutes(1)))
  func failures() async throws {
    let failed = await #expect(throws: BuildError.self) { try await run(["sh", "-c", "echo why; exit 3"]) }
    #expect(failed?.reason == .commandFailed && failed?.output == ["why"])
    let missing = await #expect(throws: BuildError.self) { try await run(["nonexistent-program"]) }
    #expect(missing?.reason == .commandFailed && missing?.message.contains("/usr/bin:/bin") == true)
    let endless = await #expect(throws: BuildError.self) { try await run(["sleep", "60"], limit: .milliseconds(100)) }
    #expect(endless?.reason == .commandFailed && endless?.output == [])
  }
}
