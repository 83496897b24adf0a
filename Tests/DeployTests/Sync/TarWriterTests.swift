import Foundation
import Testing

@testable import Deploy

struct TarWriterTests {
  private let long =
    (0..<12).map { "directory-\($0)-with-a-long-name" }.joined(separator: "/") + "/"
    + String(repeating: "n", count: 120)

  @Test("tar reads what was written: contents, modes, times, links, long paths")
  func extracted() throws {
    var tar = TarWriter()
    tar.append("app/a.sh", .file(Array("echo hi\n".utf8)), mode: 0o100755, modified: 1_700_000_000)
    tar.append("app/empty", .file([]), mode: 0o600, modified: 1)
    tar.append("app/dir", .directory, mode: 0o700, modified: 1)
    tar.append("app/link", .link(to: "a.sh"), mode: 0o777, modified: 1)
    tar.append(long, .file([1, 2, 3]), mode: 0o644, modified: 1)
    tar.append(
      String(repeating: "d", count: 90) + "/" + String(repeating: "f", count: 90), .file([4]), mode: 0o644, modified: 1)
    let directory = FileManager.default.temporaryDirectory.appending(path: "deploy-tests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try Data(tar.finished()).write(to: URL(filePath: directory + ".tar"))
    defer { try? FileManager.default.removeItem(atPath: directory + ".tar") }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["tar", "-xof", directory + ".tar", "-C", directory]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/app/a.sh")
    #expect(attributes[.posixPermissions] as? Int == 0o755)
    #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_700_000_000)
    #expect(try String(contentsOfFile: directory + "/app/link", encoding: .utf8) == "echo hi\n")
    #expect(try Data(contentsOf: URL(filePath: "\(directory)/\(long)")) == Data([1, 2, 3]))
    #expect(
      FileManager.default.fileExists(
        atPath: "\(directory)/\(String(repeating: "d", count: 90))/\(String(repeating: "f", count: 90))"))
  }

  @Test(
    "Ways out of the directory, and names that the script cannot take, are refused",
    arguments: ["", "/", "../x", "/a/../b", "a\nb"])
  func refused(destination: String) {
    #expect(throws: DeployError.self) { try SyncPayload([FileChange(source: nil, destination: destination)]) }
  }

  @Test("Deletions come before the archive, one a line")
  func payload() throws {
    let payload = try SyncPayload([
      FileChange(source: nil, destination: "/app/a"), FileChange(source: nil, destination: "rel/b"),
    ])
    #expect(
      payload.parts.map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } == [
        "/\n./app/a\n\n", ".\n./rel/b\n\n",
      ])
  }
}
