import ControlAPI
import Foundation
import Testing

@testable import Intercept

struct JournalTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "journal-tests-\(UUID().uuidString)")
  private var path: String { folder.appending(path: "deep/journal").path }

  private func entry(
    _ service: String, in identity: ClusterIdentity? = ClusterIdentity(uid: "1", server: "https://a"),
    context: String = "staging"
  ) -> Journal.Entry {
    Journal.Entry(
      cluster: ClusterSelection(context: context, namespace: "testbed"), identity: identity, namespace: "testbed",
      service: service, workload: service)
  }

  private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

  @Test("A daemon finds the notes of the one before")
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

  @Test("The same Service of two clusters has two entries, and of one cluster one, however it is reached")
  func clusters() throws {
    defer { cleanUp() }
    let journal = Journal(path: path)
    let (a, b) = (entry("user"), entry("user", in: ClusterIdentity(uid: "2", server: "https://a", authority: "ca")))
    try journal.add(a)
    try journal.add(b)
    journal.remove(a)
    #expect(journal.all == [b])
    let alias = entry("user", in: ClusterIdentity(uid: "2", server: "https://b", authority: "ca"), context: "alias")
    try journal.add(alias)
    #expect(journal.all == [alias])
    journal.remove(b)
    #expect(Journal(path: path).all.isEmpty)
  }

  @Test("Entries of before clusters were noted are read, and rewritten in their places")
  func former() throws {
    defer { cleanUp() }
    let text = """
      [{"cluster": {"kubeconfig": ["/k"], "context": "staging", "namespace": "testbed", "portForwardProtocol": "auto"},
        "namespace": "testbed", "service": "user", "workload": "user"},
       {"cluster": {"kubeconfig": ["/k"], "context": "live", "namespace": "testbed", "portForwardProtocol": "auto"},
        "namespace": "testbed", "service": "user", "workload": "user"}]
      """
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let journal = Journal(path: path)
    try #require(journal.all.map(\.cluster.context) == ["staging", "live"])
    #expect(journal.all.allSatisfy { $0.identity == nil })
    var staging = journal.all[0]
    staging.identity = ClusterIdentity(server: "https://a")
    try journal.replace(journal.all[0], by: staging)
    #expect(Journal(path: path).all == [staging, journal.all[1]])
    journal.remove(journal.all[1])
    #expect(Journal(path: path).all == [staging])
  }

  @Test("A file that is no journal is moved aside, not lost")
  func broken() throws {
    defer { cleanUp() }
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
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
    #expect(problem?.code == .failed && problem?.message.hasSuffix("Is a directory") == true)
  }
}
