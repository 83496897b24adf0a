import Glibc
import LabStore
import Testing

@testable import LabNode

struct LogTests {
  @Test func linesOfBothStreamsGetTimes() async throws {
    let directory = try TemporaryDirectory()
    let log = try ContainerLog(path: directory.path + "/c.log")
    _ = write(log.standardOutput, "one\ntwo", 7)
    close(log.standardError)
    close(log.standardOutput)
    await log.ended(within: .seconds(5))
    let lines = Files.readText(log.path)!.split(separator: "\n")
    #expect(lines.count == 2 && lines[1].hasSuffix(" stdout F two"))
    #expect(try await text(log, .init()) == "one\ntwo\n")
    #expect(try await text(log, .init(tailLines: 1)) == "two\n")
    #expect(try await text(log, .init(tailLines: 0)) == "")
    #expect(try await text(log, .init(limitBytes: 5)) == "one\nt")
    #expect(try await text(log, .init(sinceTime: "2020-01-01T00:00:00Z")) == "one\ntwo\n")
    #expect(try await text(log, .init(sinceTime: "2999-01-01T00:00:00Z")) == "")
    #expect(try await text(log, .init(timestamps: true)).split(separator: "\n")[0].split(separator: " ").count == 2)
  }

  @Test func followingEndsWithTheLog() async throws {
    let directory = try TemporaryDirectory()
    let log = try ContainerLog(path: directory.path + "/c.log")
    _ = write(log.standardOutput, "a\n", 2)
    async let followed = text(log, .init(follow: true))
    try await Task.sleep(for: .milliseconds(30))
    _ = write(log.standardError, "b\n", 2)
    try await Task.sleep(for: .milliseconds(30))
    close(log.standardError)
    close(log.standardOutput)
    #expect(try await followed == "a\nb\n")
  }

  @Test func longLinesAreOneLine() async throws {
    let directory = try TemporaryDirectory()
    let log = try ContainerLog(path: directory.path + "/c.log")
    let long = String(repeating: "x", count: 40_000) + "\n"
    _ = write(log.standardOutput, long, long.utf8.count)
    close(log.standardOutput)
    close(log.standardError)
    await log.ended(within: .seconds(5))
    let isSplit = Files.readText(log.path)!.contains(" stdout P x")
    #expect(isSplit)
    let isWhole = try await text(log, .init()) == long
    #expect(isWhole)
  }

  @Test func oldLinesAreLeftOut() {
    var lines = LogLines(.init(sinceSeconds: 60))
    let text = "2001-01-01T00:00:00.000000000Z stdout F old\n\(Timestamp.nanoseconds()) stdout F new\n"
    #expect(String(decoding: lines.feed(Array(text.utf8)), as: UTF8.self) == "new\n")
  }

  private func text(_ log: ContainerLog, _ options: LogOptions) async throws -> String {
    var bytes: [UInt8] = []
    for try await chunk in LogReader(path: log.path, live: log, options: options).stream() { bytes += chunk }
    return String(decoding: bytes, as: UTF8.self)
  }
}
