import Foundation
import Testing

@testable import ShellHelper

/// Root reads and removes a plan for another user: only that user's own file may be read, or be gone afterwards.
struct PlanFileTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "devtunnel-plan-\(UUID().uuidString)")
    .path
  private let me = getuid()

  init() throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  private func make(_ name: String = "plan", _ text: String = "id x\n", mode: mode_t = 0o600) throws -> String {
    try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
    chmod("\(folder)/\(name)", mode)
    return "\(folder)/\(name)"
  }

  private func take(_ path: String, owners: Set<uid_t>) throws(ShellError) -> String {
    try PlanFile.take(path, owners: owners) { text throws(ShellError) in text }
  }

  private func refused(_ path: String, owners: Set<uid_t>? = nil) -> String? {
    let error = #expect(throws: ShellError.self) { try take(path, owners: owners ?? [me]) }
    #expect(access(path, F_OK) == 0, "it must still be there")
    return error.map { "\($0)" }
  }

  @Test("The caller's own file is read, and gone")
  func own() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = try make()
    #expect(try take(path, owners: [me]) == "id x\n")
    #expect(access(path, F_OK) != 0)
    #expect(throws: ShellError.self) { try take(path, owners: [me]) }
  }

  @Test("Another's file, a link, a directory, a pipe, a device and what others may write stay as they are")
  func others() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = try make()
    #expect(refused(path, owners: [me + 1])?.contains("not the caller's alone") == true)
    #expect(refused("/etc/passwd", owners: [me + 1])?.contains("not the caller's alone") == true)
    symlink(path, "\(folder)/link")
    #expect(refused("\(folder)/link")?.contains("Too many levels of symbolic links") == true)
    mkdir("\(folder)/directory", 0o700)
    #expect(refused("\(folder)/directory")?.contains("no regular file") == true)
    mkfifo("\(folder)/pipe", 0o600)
    #expect(refused("\(folder)/pipe")?.contains("no regular file") == true)
    #expect(refused(try make("shared", mode: 0o622))?.contains("the file is not the caller's alone") == true)
    #expect(refused(try make("large", String(repeating: "a", count: 300_000)))?.contains("longer") == true)
    // The kernel sees a slash before a combining mark, and so must the check of the directory.
    mkdir("\(folder)/open", 0o700)
    let marked = try make("open/\u{301}x")
    chmod("\(folder)/open", 0o777)
    #expect(refused(marked)?.contains("its directory is not the caller's alone") == true)
    chmod(folder, 0o777)
    #expect(refused(path)?.contains("its directory is not the caller's alone") == true)
    for text in ["", "plan", "/", "\(folder)/", "\(folder)/.", "\(folder)/.."] {
      #expect(throws: ShellError.self) { try take(text, owners: [me]) }
    }
  }

  /// Of root and of the person: what sudo(8) gives the helper.
  @Test(
    "A file of the right owner that is no plan stays",
    arguments: ["root:*:19000:0:99999:7:::\n", "", "socket\n", "id x\n"])
  func noPlan(text: String) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = try make("shadow", text, mode: 0o640)
    let shell = #expect(throws: ShellError.self) { try PlanParser.read(path: path) }
    let host = #expect(throws: ShellError.self) { try HostPlan.read(path: path) }
    for error in [shell, host] { #expect(error.map { "\($0)".contains("19000") } == false) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
  }

  @Test("Accepts the user's own file; as root, that of the user who called sudo")
  func callers() {
    #expect(PlanFile.invokers(user: 1000, sudo: "0") == [1000])
    #expect(PlanFile.invokers(user: 0, sudo: "1000") == [0, 1000])
    #expect(PlanFile.invokers(user: 0, sudo: nil) == [0] && PlanFile.invokers(user: 0, sudo: "x") == [0])
  }
}
