import ControlAPI
import Foundation
import Testing

@testable import Commands

struct EnvironmentFileTests {
  @Test func valuesThatAShellWouldChangeAreQuoted() {
    let text = EnvironmentFile.text(["PLAIN": "http://a:1/b?x", "EMPTY": "", "URL": "a.b:1/c", "QUOTE": "it's $HOME\nand more"])
    #expect(text == "EMPTY=\nPLAIN='http://a:1/b?x'\nQUOTE='it'\\''s $HOME\nand more'\nURL=a.b:1/c\n")
  }

  @Test func aShellReadsItBack() throws {
    let path = "/tmp/dt-env-" + UUID().uuidString.prefix(8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let value = "a 'b' \"c\" $d `e` \\ f\n#g"
    try EnvironmentFile(path: path).write(["VALUE": value])
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    let shell = Process()
    let output = Pipe()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", ". \(path); printf %s \"$VALUE\""]
    shell.standardOutput = output
    try shell.run()
    let read = output.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    #expect(String(decoding: read, as: UTF8.self) == value)
  }

  @Test(arguments: ["", "/tmp", "/nonexistent/file", "/etc/hostname/file"])
  func whatCannotBeWrittenIsSaidBefore(path: String) {
    let problem = #expect(throws: ControlError.self) { try EnvironmentFile(path: path) }
    #expect(problem?.code == .badInput)
  }
}
