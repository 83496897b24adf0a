import CLinux
import Foundation
import Testing

@testable import Threads

struct OpenFilesTests {
  @Test("The process has more descriptors, and its children have what it had")
  func children() async {
    await #expect(processExitsWith: .success) {
      var (now, most): (UInt64, UInt64) = (0, 0)
      #expect(clinux_open_files(&now, &most) == 0 && most > 200)
      #expect(clinux_set_open_files(100) == 0)
      #expect(OpenFiles.limit == 100)
      #expect(OpenFiles.command("/bin/sh", ["-c", "ulimit -n"]).program == "/bin/sh", "nothing was raised yet")
      #expect(OpenFiles.raise() == Int(min(most, OpenFiles.enough)))
      #expect(OpenFiles.raise() == OpenFiles.limit)
      func said(_ command: (program: String, arguments: [String])) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: command.program)
        process.arguments = command.arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        process.waitUntilExit()
        return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).trimmingCharacters(
          in: .whitespacesAndNewlines)
      }
      let wrapped = try said(OpenFiles.command("/bin/sh", ["-c", "ulimit -S -n; echo \"$@\"", "x", "a b", "$c", ""]))
      let bare = try said(("/bin/sh", ["-c", "ulimit -S -n"]))
      #expect(wrapped == "100\na b $c")
      #expect(bare != "100", "without it they would have the raised one")
      #expect(
        OpenFiles.command("/nowhere/program", ["a"]).program == "/nowhere/program",
        "its absence is told by whoever starts it")
    }
  }
}
