import ControlAPI
import Foundation
import Logging
import Testing

@testable import Daemon

struct LogFileTests {
  @Test func aFullFileIsRotatedAndOneOldIsKept() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      let file = try LogFile(paths: paths, limit: 20, takesStandardError: false)
      for line in ["first line", "second", "third line", "fourth line"] { file.write(line) }
      #expect(LogTail(path: paths.log).lastLines(9) == ["fourth line"])
      #expect(LogTail(path: paths.oldLog).lastLines(9) == ["third line"])
    }
  }

  @Test func aFileIsGoneOnWith() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      try LogFile(paths: paths, takesStandardError: false).write("one")
      try LogFile(paths: paths, takesStandardError: false).write("two")
      #expect(LogTail(path: paths.log).lastLines(9) == ["one", "two"])
      #expect(LogTail(path: paths.log).lastLines(1) == ["two"])
      #expect(LogTail(path: paths.log).lastLines(9, upTo: 4) == ["one"])
    }
  }

  @Test func aLineHasTimeLevelMessageAndMetadata() {
    let line = FileLogHandler.line(
      at: Date(timeIntervalSince1970: 1.5), .warning, "agent\nlost",
      ["pod": "user-0", "problem": "no \"route\"\u{1B}", "empty": ""])
    #expect(line == #"1970-01-01T00:00:01.500Z warning agent\nlost empty="" pod=user-0 problem="no \"route\"\u{1b}""#)
  }
}
