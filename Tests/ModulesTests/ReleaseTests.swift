import Foundation
import Testing

struct ReleaseTests {
  @Test(
    "The programs have the version of the changelog's newest release",
    arguments: ["Sources/ControlAPI/BuildVersion.swift", "Sources/Agents/Installation.swift"])
  func version(file: String) throws {
    let changelog = try text("CHANGELOG.md")
    let newest = try #require(changelog.firstMatch(of: /(?m)^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$/)?.1)
    let written = try #require(try text(file).firstMatch(of: /version(?:: | = )"([^"]+)"/)?.1)
    #expect(written == newest, "\(file)")
  }

  private func text(_ file: String) throws -> String {
    try String(contentsOf: PackageText.root.appending(path: file), encoding: .utf8)
  }
}
