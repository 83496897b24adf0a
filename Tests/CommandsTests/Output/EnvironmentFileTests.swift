import ControlAPI
import Foundation
import Testing

@testable import Commands

struct EnvironmentFileTests {
  /// A folder of the test's own.
  private final class Folder {
    let path = "/tmp/dt-env-" + UUID().uuidString.prefix(8)
    var file: String { path + "/app.env" }
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String = "app.env") -> String? {
      FileManager.default.contents(atPath: path + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
    func mode() throws -> Int? { try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int }
  }

  private func run(_ program: String, _ arguments: [String]) throws -> [UInt8] {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let read = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Array(read)
  }

  // MARK: The text

  @Test func valuesThatAShellWouldChangeAreQuoted() {
    let text = EnvironmentFile.text([
      "PLAIN": "http://a:1/b?x", "EMPTY": "", "URL": "a.b:1/c", "QUOTE": "it's $HOME\nand more",
    ])
    #expect(text == "EMPTY=\nPLAIN='http://a:1/b?x'\nQUOTE='it'\\''s $HOME\nand more'\nURL=a.b:1/c\n")
  }

  /// The last ones have a combining mark behind the quote: in a String both are one Character.
  @Test(arguments: [
    "a 'b' \"c\" $d `e` \\ f\n#g", "  two leading, one trailing ", "a #b",
    "-----BEGIN-----\nline\n  indented\n\n-----END-----\n", "'", "\r\n\t", "~/x", "!x",
    "'\u{301}; printf pwned; '", "x'\u{308}\necho pwned\n'\u{308}", "é ☃ 😀",
  ])
  func aShellReadsEachByteBack(value: String) throws {
    let folder = try Folder()
    #expect(try EnvironmentFile(path: folder.file).write(["VALUE": value, "LAST": "x"]) == nil)
    let read = try run("/bin/sh", ["-c", ". \(folder.file); printf %s \"$VALUE\""])
    #expect(read == Array(value.utf8))
    #expect(try folder.mode() == 0o600)
  }

  @Test func namesThatNoShellHoldsAreCommentsAndDoNothing() throws {
    let folder = try Folder()
    let environment = [
      "mail.server.url": "smtp", "X;touch \(folder.path)/pwned;Y": "1", "A\ntouch \(folder.path)/pwned\nB": "2",
      "1A": "3", "": "4", "É": "5", "OK_1": "6",
      "$(touch \(folder.path)/pwned)": "7",
    ]
    let warning = try EnvironmentFile(path: folder.file).write(environment)
    #expect(warning?.contains("mail.server.url") == true && warning?.contains("\n") == false)
    let text = try #require(folder.text())
    #expect(text.split(separator: "\n").filter { !$0.hasPrefix("# left out") } == ["OK_1=6"])
    #expect(text.contains("# left out, since no shell can hold the name: mail.server.url\n") && !text.contains("smtp"))
    #expect(try run("/bin/sh", ["-ec", ". \(folder.file); printf %s \"$OK_1\""]) == Array("6".utf8))
    #expect(folder.names == ["app.env"])
  }

  // MARK: The file

  @Test func aFileIsReplacedWholeAndItsModeToo() throws {
    let folder = try Folder()
    try Data("old\n".utf8).write(to: URL(filePath: folder.file))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file)
    let reader = try FileHandle(forReadingFrom: URL(filePath: folder.file))
    _ = try EnvironmentFile(path: folder.file).write(["A": "1"])
    #expect(folder.text() == "A=1\n" && folder.names == ["app.env"])
    #expect(try folder.mode() == 0o600)
    // A reader that had it open before still reads the old content.
    #expect(try reader.readToEnd() == Data("old\n".utf8))
  }

  @Test func aFailureLeavesWhatWasThere() throws {
    let folder = try Folder()
    try Data("old\n".utf8).write(to: URL(filePath: folder.file))
    let file = try EnvironmentFile(path: folder.file)
    // Something has come into the file's place that no file replaces.
    try FileManager.default.moveItem(atPath: folder.file, toPath: folder.path + "/kept")
    try FileManager.default.createDirectory(atPath: folder.file + "/inner", withIntermediateDirectories: true)
    #expect(throws: ControlError.self) { _ = try file.write(["A": "1"]) }
    #expect(folder.names == ["app.env", "kept"] && folder.text("kept") == "old\n")
  }

  @Test func linksAreNotFollowed() throws {
    let folder = try Folder()
    try Data("old\n".utf8).write(to: URL(filePath: folder.path + "/other"))
    try FileManager.default.createSymbolicLink(atPath: folder.file, withDestinationPath: "other")
    let error = #expect(throws: ControlError.self) { try EnvironmentFile(path: folder.file) }
    #expect(error?.code == .badInput)
    // One that comes later is replaced.
    try FileManager.default.removeItem(atPath: folder.file)
    let file = try EnvironmentFile(path: folder.file)
    try FileManager.default.createSymbolicLink(atPath: folder.file, withDestinationPath: "other")
    _ = try file.write(["A": "1"])
    #expect(folder.text() == "A=1\n" && folder.text("other") == "old\n")
  }

  /// As a shell's `>> app.env` has it.
  @Test func whatIsOpenAlreadyIsNotOpenedAgain() throws {
    let folder = try Folder()
    try Data("old\n".utf8).write(to: URL(filePath: folder.file))
    let descriptor = open(folder.file, O_WRONLY | O_APPEND)
    defer { close(descriptor) }
    _ = try EnvironmentFile(path: "/dev/fd/\(descriptor)").write(["A": "1"])
    #expect(folder.text() == "old\nA=1\n")
    #expect(try EnvironmentFile(path: "-").isStandardOutput && EnvironmentFile(path: "/dev/stdout").isStandardOutput)
    #expect(
      try !EnvironmentFile(path: "/dev/stderr").isStandardOutput && !EnvironmentFile(path: folder.file).isStandardOutput
    )
  }

  @Test(arguments: ["", "/tmp", "/nonexistent/file", "/etc/hostname/file", "/dev/fd/999999", "/dev/stdin/x"])
  func whatCannotBeWrittenIsSaidBefore(path: String) {
    let problem = #expect(throws: ControlError.self) { try EnvironmentFile(path: path) }
    #expect(problem?.code == .badInput)
  }

  @Test func aDeviceIsWrittenAsItIs() throws {
    _ = try EnvironmentFile(path: "/dev/null").write(["A": "1"])
    #expect(
      try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
        == .typeCharacterSpecial)
  }
}
