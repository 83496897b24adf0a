import ControlAPI
import Foundation
import Testing

@testable import Intercept

struct JournalTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "journal-tests-\(UUID().uuidString)")
  private var path: String { folder.appending(path: "deep/journal").path }

  private func entry(_ service: String) -> Journal.Entry {
    Journal.Entry(cluster: ClusterSelection(context: "staging", namespace: "testbed"), namespace: "testbed", service: service, workload: service)
  }

  private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

  @Test("What one daemon has noted, the next one finds")
  func survives() throws {
    defer { cleanUp() }
    let journal = Journal(path: path)
    #expect(journal.all.isEmpty)
    try journal.add(entry("user"))
    try journal.add(entry("cart"))
    try journal.add(entry("user"))
    #expect(Journal(path: path).all == [entry("user"), entry("cart")])
    journal.remove(entry("user"))
    #expect(Journal(path: path).all == [entry("cart")])
  }

  @Test("A file that is no journal is moved aside, not lost")
  func broken() throws {
    defer { cleanUp() }
    try FileManager.default.createDirectory(at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try "[{\"service\"".write(toFile: path, atomically: true, encoding: .utf8)
    let journal = Journal(path: path)
    #expect(journal.all.isEmpty)
    #expect(try String(contentsOfFile: path + ".unreadable", encoding: .utf8) == "[{\"service\"")
    try journal.add(entry("user"))
    #expect(Journal(path: path).all == [entry("user")])
  }

  @Test("A journal that cannot be written is an error")
  func unwritable() throws {
    defer { cleanUp() }
    let journal = Journal(path: path)
    // A directory in the file's place cannot be replaced by it.
    try FileManager.default.createDirectory(atPath: path + "/in the way", withIntermediateDirectories: true)
    let problem = #expect(throws: ControlError.self) { try journal.add(entry("user")) }
    #expect(problem?.message == "the journal \(path) cannot be written: Is a directory")
  }
}
