import ControlAPI
import Foundation
import Testing

@testable import Commands
@testable import DevLoop

/// The output at a terminal, and at a pipe, for text that a cluster or a file made up.
@Suite struct TerminalTests {
  static let attack = "\u{1b}]0;pwn\u{7}\u{9b}2J\u{1b}[8m\u{202e}"

  /// Runs `body` with a terminal that is one, or a pipe.
  /// - Returns: what came out.
  private func output(ofTerminal isTerminal: Bool, _ body: (Terminal) throws -> Void) throws -> String {
    var ends: [Int32] = [-1, -1]
    if isTerminal {
      ends[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      var (unlocked, number): (Int32, UInt32) = (0, 0)
      // TIOCSPTLCK, TIOCGPTN (ioctl_tty(2)).
      try #require(ioctl(ends[0], 0x4004_5431, &unlocked) == 0 && ioctl(ends[0], 0x8004_5430, &number) == 0)
      ends[1] = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    } else {
      try #require(pipe(&ends) == 0)
    }
    defer { close(ends[0]) }
    let terminal = Terminal(ends[1], environment: ["TERM": "xterm"])
    try #require(terminal.isTerminal == isTerminal)
    try body(terminal)
    if !isTerminal { close(ends[1]) }
    // A terminal hands over what was written to it in several parts.
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    var readable = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
    while poll(&readable, 1, 200) > 0 {
      let count = read(ends[0], &part, part.count)
      guard count > 0 else { break }
      text += part.prefix(count)
    }
    if isTerminal { close(ends[1]) }
    return String(decoding: text, as: UTF8.self).replacing("\r\n", with: "\n")
  }

  private func expectStill(_ body: (Terminal) throws -> Void) throws {
    for isTerminal in [true, false] {
      let text = try output(ofTerminal: isTerminal, body)
      #expect(text.contains("pwn"), "\(text)")
      #expect(TerminalTextTests.obeyed(text, colours: isTerminal, lines: true) == nil, "\(Array(text.utf8))")
    }
  }

  @Test func theHolderOfALease() throws {
    let entry = ListEntry(
      context: "dev", namespace: "t", service: "user", ports: ["80"], workload: "Deployment/user", obstacle: nil,
      interceptedBy: "alice\(Self.attack)\nuser  80  Deployment/user  free",
      since: "\(Self.attack)10:02")
    try expectStill { terminal in [entry].lines(allNamespaces: true).forEach(terminal.line) }
    #expect([entry].lines(allNamespaces: true).count == 2, "no holder makes a line of its own")
  }

  @Test func theMessageOfAnAdmissionWebhook() throws {
    let error = ControlError(
      .refused, "admission webhook denied it: \(Self.attack)\ndevtunnel: all is well", remedy: Self.attack,
      details: ["event: \(Self.attack)"])
    try expectStill { ErrorOutput.write(error, terminal: $0) }
    try expectStill { ErrorOutput.warn("context \(Self.attack) is not verified", terminal: $0) }
    #expect(ErrorOutput.lines(error)[0].hasSuffix("\n  devtunnel: all is well"))
    #expect(ErrorOutput.indented("a\r\ndevtunnel: b\ndevtunnel: c") == "a\n  devtunnel: b\n  devtunnel: c")
  }

  @Test func aContextsNameInStatus() throws {
    let status = StatusReport(
      daemon: nil,
      intercepts: [
        InterceptReport(
          context: "dev\(Self.attack)", cluster: .unknown, namespace: "t", service: "user", workload: "Deployment/user",
          state: .active, ports: [],
          holder: "a@b", since: "now",
          message: Self.attack, warnings: [Self.attack])
      ], forwards: [], sessions: [])
    try expectStill { terminal in status.lines.forEach(terminal.line) }
    try expectStill { try $0.line(JSONOutput.text(status)) }
  }

  @Test(arguments: [OutputFormat.table, .json])
  func aPodsLogAndABuildersLine(format: OutputFormat) throws {
    let events: [DevEvent] = [
      .log(.init(namespace: "t", pod: "user-0", container: "app", text: "\u{1b}]0;pwn\u{7} pwn \(Self.attack)")),
      .buildOutput(.init(artifact: "app", line: "pwn \(Self.attack)")),
      .warning(.init(message: "pwn \(Self.attack)")),
      .failed(LoopError(.applying, "pwn \(Self.attack)", details: ["pwn\r\(Self.attack)"])),
    ]
    for event in events {
      for isTerminal in [true, false] {
        let text = try output(ofTerminal: isTerminal) {
          EventPrinter(format: format, verbose: true, terminal: $0).print(event)
        }
        // The block's own movements aside.
        let ours = text.replacing(/\u{1b}\[\d+A\r\u{1b}\[J/, with: "")
        #expect(
          ours.contains("pwn")
            && TerminalTextTests.obeyed(ours, colours: isTerminal && format == .table, lines: true) == nil,
          "\(Array(ours.utf8))")
      }
    }
  }

  @Test func aQuestionAndAStep() throws {
    try expectStill { terminal in
      let progress = ProgressLine("pwn \(Self.attack)", verbose: true, terminal: terminal)
      progress.step("pwn \(Self.attack)")
      progress.end()
    }
  }

  @Test func aVariableOfTheWorkload() throws {
    let text = try output(ofTerminal: true) { terminal in
      _ = try EnvironmentFile(path: "/dev/fd/\(terminal.descriptor)").write(["PWN": "\(Self.attack)pwn"])
    }
    #expect(text.contains("pwn") && TerminalTextTests.obeyed(text, colours: false, lines: true) == nil, "\(text)")
  }

  @Test func aDocumentIsExactInAFileAndSeenOnATerminal() throws {
    #expect(try output(ofTerminal: false) { $0.write("a\u{1b}]0;x\u{7}\n") } == "a\u{1b}]0;x\u{7}\n")
    #expect(try output(ofTerminal: true) { $0.write("a\u{1b}]0;x\u{7}\n") } == "a\u{241b}]0;x\u{2407}\n")
  }
}
