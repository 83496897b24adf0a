import Foundation
import Testing

/// Foreign text must not reach a terminal unfiltered: there is one writer (`Terminal` in Commands), and in the shell's
/// helper one more. Nothing else prints.
struct PrintingTests {
  /// Ways to print that go past the writer.
  private static let ways = [
    #"(?<![\w.])(?:Swift\.)?(?:print|debugPrint|dump|fputs|puts|printf|vprintf|fprintf|vfprintf|fwrite|putchar|putc|"#
      + #"fputc|perror|NSLog|dprintf)\("#,
    #"FileHandle\.standard(?:Output|Error)"#, #"STD(?:OUT|ERR)_FILENO"#, #"(?<!\w)write\(\s*[12]\s*,"#,
    #"(?<![\w."'])(?:stdout|stderr)(?=\s*[,)])"#,
    #"/dev/(?:tty|std|fd)"#, #"ccontrol_ask"#, #"(?<!\w)systemWrite\("#,
  ].joined(separator: "|")

  /// The writers, and what is not written to.
  private static let allowed: [String: Set<String>] = [
    "Sources/Commands/Output/Terminal.swift": ["STDOUT_FILENO", "STDERR_FILENO", "ccontrol_ask", "systemWrite("],
    // The file that a person names; if it is a terminal, `Terminal` writes.
    "Sources/Commands/Output/EnvironmentFile.swift": [
      "/dev/std", "/dev/fd", "STDOUT_FILENO", "STDERR_FILENO", "systemWrite(",
    ],
    "Sources/ShellHelper/Program.swift": ["STDERR_FILENO"],
    "Sources/ShellHelper/Probe/Probe.swift": ["STDOUT_FILENO"],
    // The daemon's log takes their place.
    "Sources/Daemon/Log/LogFile.swift": ["STDOUT_FILENO", "STDERR_FILENO"],
    "Sources/Daemon/DaemonProcess.swift": ["STDERR_FILENO"],
  ]

  /// Programs of their own, whose text is theirs.
  private static let apart = ["DevtunnelBench", "LabAPI", "LabNode", "LabStore"]

  /// - Returns: each way in a line of code, and the line's number from 1.
  private static func found(in text: String) throws -> [(way: String, line: Int)] {
    let all = text as NSString
    return try NSRegularExpression(pattern: ways).matches(in: text, range: NSRange(location: 0, length: all.length))
      .compactMap { match in
        let line = all.substring(with: all.lineRange(for: match.range)).drop(while: \.isWhitespace)
        guard !line.hasPrefix("//"), !line.contains("func print(") else { return nil }
        return (all.substring(with: match.range), all.substring(to: match.range.location).count { $0.isNewline } + 1)
      }
  }

  @Test("No source prints but through the writers")
  func sources() throws {
    let root = PackageText.root
    let files = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "Sources").path).filter {
      $0.hasSuffix(".swift")
    }
    #expect(files.count > 400)
    for file in files where !Self.apart.contains(where: { file.hasPrefix($0 + "/") }) {
      let text = try String(contentsOf: root.appending(path: "Sources/" + file), encoding: .utf8)
      for (way, line) in try Self.found(in: text) where Self.allowed["Sources/" + file]?.contains(way) != true {
        Issue.record("Sources/\(file):\(line) prints by \(way): take Terminal, which makes the text safe")
      }
    }
  }

  @Test(
    "The check finds each way",
    arguments: [
      "print(text)", "    Swift.print(text)", "fputs(text, stderr)", "FileHandle.standardError.write(data)",
      "write(STDOUT_FILENO, bytes, 3)",
      "_ = write(2, bytes, 3)", "puts(text)",
      #"let fd = open("/dev/tty", O_RDWR)"#, "fwrite(bytes, 1, 3, stdout)", "debugPrint(text)",
    ])
  func way(line: String) throws { #expect(try !Self.found(in: line).isEmpty) }

  @Test(
    "Lets similar code pass",
    arguments: [
      "printer.print(event)", "func print(_ event: DevEvent) {", "// print(x)", "file?.write(environment)",
      "blueprint(x)",
    ])
  func noWay(line: String) throws { #expect(try Self.found(in: line).isEmpty) }
}
