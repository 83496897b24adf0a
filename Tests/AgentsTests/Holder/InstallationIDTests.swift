import ControlAPI
import Foundation
import Glibc
import Testing

@testable import Agents

struct InstallationIDTests {
  private func inFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "devtunnel-id-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  @Test("Made once, for its owner alone, and found again")
  func once() async throws {
    try await inFolder { folder in
      let made = try InstallationID.load(path: folder + "/installation")
      #expect(InstallationID.isID(made.text))
      #expect(made.notice == nil)
      let mode = try #require(
        try FileManager.default.attributesOfItem(atPath: folder + "/installation")[.posixPermissions] as? Int)
      #expect(mode == 0o600)
      #expect(try InstallationID.load(path: folder + "/installation") == made)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["installation"], "no draft is left")
    }
  }

  @Test("Many at once get the same")
  func atOnce() async throws {
    try await inFolder { folder in
      let all = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<32 { group.addTask { try InstallationID.load(path: folder + "/installation").text } }
        var all: [String] = []
        for try await one in group { all.append(one) }
        return all
      }
      #expect(all.count == 32)
      #expect(Set(all).count == 1)
    }
  }

  @Test("A copy of the directory is another installation; the first stays what it is")
  func copied() async throws {
    try await inFolder { folder in
      let first = try InstallationID.load(path: folder + "/installation")
      // Another file system entry with the same bytes.
      try Data(contentsOf: URL(filePath: folder + "/installation")).write(to: URL(filePath: folder + "/copy"))
      let second = try InstallationID.load(path: folder + "/copy")
      #expect(second.text != first.text)
      #expect(second.notice?.contains("was copied") == true)
      #expect(try InstallationID.load(path: folder + "/copy").text == second.text)
      #expect(try InstallationID.load(path: folder + "/installation").text == first.text)
      #expect(
        try InstallationID.load(path: folder + "/installation", machine: "another").text != first.text,
        "a machine that was cloned")
    }
  }

  @Test(
    "A file that holds no id is moved aside, and reported",
    arguments: [
      "", "\n", "x", String(repeating: "0", count: 32), String(repeating: "0", count: 32) + " 12\n",
      String(repeating: "Z", count: 32) + " 12 m\n",
      String(repeating: "0", count: 32) + " 99999999999999999999999 m\n", String(repeating: "0", count: 4096),
      "\u{0}\u{0}\u{0}",
    ])
  func garbled(text: String) async throws {
    try await inFolder { folder in
      try Data(text.utf8).write(to: URL(filePath: folder + "/installation"))
      let made = try InstallationID.load(path: folder + "/installation")
      #expect(InstallationID.isID(made.text) && !made.text.hasPrefix("0000"))
      #expect(made.notice?.contains("\(folder)/installation.unreadable") == true)
      #expect(try Data(contentsOf: URL(filePath: folder + "/installation.unreadable")) == Data(text.utf8))
    }
  }

  @Test("A link or a directory in its place is not followed")
  func strangeKinds() async throws {
    try await inFolder { folder in
      try Data("precious".utf8).write(to: URL(filePath: folder + "/precious"))
      #expect(symlink(folder + "/precious", folder + "/installation") == 0)
      #expect(InstallationID.isID(try InstallationID.load(path: folder + "/installation").text))
      #expect(try String(contentsOfFile: folder + "/precious", encoding: .utf8) == "precious")
      try FileManager.default.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: true)
      #expect(InstallationID.isID(try InstallationID.load(path: folder + "/folder").text))
    }
  }

  @Test("If it can be neither read nor made, the error names the file and the remedy")
  func unusable() async throws {
    try await inFolder { folder in
      try Data().write(to: URL(filePath: folder + "/file"))
      for path in [folder + "/file/installation", folder + "/absent/installation"] {
        let error = #expect(throws: ControlError.self) { try InstallationID.load(path: path) }
        #expect(error?.message.contains(path) == true)
        #expect(error?.remedy?.contains("remove the file") == true)
      }
    }
  }
}
