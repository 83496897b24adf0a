import ControlAPI
import Foundation
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct ProgressLineTests {
  /// Returns the text that a progress line writes into a file, which is not a terminal.
  private func written(verbose: Bool, delay: Duration, _ body: (ProgressLine, () throws -> String) async throws -> Void)
    async throws -> String
  {
    let path = "/tmp/dt-progress-" + UUID().uuidString.prefix(8)
    try #require(FileManager.default.createFile(atPath: path, contents: nil))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try #require(FileHandle(forWritingAtPath: path))
    let line = ProgressLine("asking…", verbose: verbose, terminal: Terminal(file.fileDescriptor), delay: delay)
    let read = { String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self) }
    try await body(line, read)
    line.end()
    line.step("too late")
    try file.close()
    return try read()
  }

  @Test func whatIsQuickShowsNothing() async throws {
    #expect(try await written(verbose: false, delay: .seconds(60)) { line, _ in line.step("one") } == "")
  }

  @Test func whatIsSlowShowsTheLatestStepThenEach() async throws {
    let text = try await written(verbose: false, delay: .milliseconds(200)) { line, shown in
      line.step("one")
      line.step("two")
      while try shown().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      line.step("three")
    }
    #expect(text == "two\nthree\n")
  }

  @Test func aStepThatIsToldTwiceIsShownOnce() async throws {
    let text = try await written(verbose: true, delay: .seconds(60)) { line, _ in
      ["one", "one", "two", "one"].forEach(line.step)
    }
    #expect(text == "one\ntwo\none\n")
  }

  @Test func aWarningIsShownAtOnceAndNotAgain() async throws {
    let text = UUID().uuidString
    let shown = try await written(verbose: false, delay: .seconds(60)) { line, _ in
      line.take(EarlyWarning.line(text))
      line.take(EarlyWarning.line(text))
      line.take("one")
    }
    #expect(shown == "warning: \(text)\n")
  }

  @Test func verboseShowsEachAtOnce() async throws {
    #expect(try await written(verbose: true, delay: .seconds(60)) { line, _ in line.step("one") } == "one\n")
  }
}
