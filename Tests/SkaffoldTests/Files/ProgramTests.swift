import FoundationEssentials
import Testing

@testable import Skaffold

@Suite struct ProgramTests {
  /// At the limit everything ends that the program has started, and nobody waits for a program that holds its output.
  @Test(arguments: ["sleep 60 & echo $! > pid; wait", "sleep 60 & echo $! > pid; exec >&- 2>&-; wait"])
  func aLimitEndsGrandchildrenToo(_ script: String) async throws {
    let project = try Project([:])
    let start = ContinuousClock.now
    await #expect(throws: Program.TookTooLong.self) {
      try await Program(path: "/bin/sh").run(
        ["-c", script], in: project.path, environment: ["PATH": "/usr/bin:/bin"], within: .milliseconds(300))
    }
    #expect(.now - start < .seconds(20))
    let text = try String(contentsOfFile: project.path + "/pid", encoding: .utf8)
    let process = try #require(Int(text.filter(\.isNumber)))
    // A zombie is over, too; its parent is not ours.
    func isRunning() -> Bool {
      guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
      return !state.contains(") Z ")
    }
    for _ in 0..<500 where isRunning() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(!isRunning())
  }

  @Test func anAnswerComesBeforeTheLimit() async throws {
    let result = try await Program(path: "/bin/sh").run(
      ["-c", "cat; echo bad >&2; exit 3"], in: "/", environment: [:], input: "text")
    #expect(!result.succeeded && result.output == "text" && result.errors == "bad\n")
  }
}
