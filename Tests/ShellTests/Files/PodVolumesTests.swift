import Agents
import Foundation
import Logging
import Testing

@testable import Shell
@testable import TunnelProtocol

/// A Pod that serves what its agent likes, and what of it comes to the host.
struct PodVolumesTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func volumes(
    _ mounts: [String], budget: VolumeBudget = VolumeBudget(), fetch: @escaping PodVolumes.Fetch
  ) throws -> PodVolumes {
    PodVolumes(
      directory: try scratch.directory(), mounts: mounts.map(mount),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
      budget: budget, fetch: fetch)
  }

  private func mount(_ path: String) -> VolumeMount { VolumeMount(name: "v", path: path, isProjected: true) }

  /// The path of a record that another daemon has written and that has not been checked.
  @Test(
    "A path with .. asks the Pod for nothing and writes nothing",
    arguments: [
      "/../../pwn", "/../victim", "/data/../../../victim", "/data/.", "/", "", "/\u{2E}\u{2E}/victim",
      "/..\u{2F}\u{301}/../victim",
    ])
  func paths(path: String) async throws {
    let volumes = try volumes([path]) { path, _ throws(FileProblem) in
      Issue.record("\(path) was asked for")
      return [Told.directory(""), Told.file("pwn", "x")]
    }
    await #expect(throws: FileProblem.self) { try await volumes.copy(mount(path)) }
    #expect(scratch.list("shell").isEmpty && scratch.isUntouched)
    #expect(!FileManager.default.fileExists(atPath: "/tmp/pwn"))
  }

  @Test("A root that is a link, served twice, leaves its target as it was")
  func linkTwice() async throws {
    let victim = scratch.victim
    let volumes = try volumes(["/data"]) { _, _ throws(FileProblem) in [Told.link("", victim)] }
    for _ in 0..<2 {
      let error = await #expect(throws: FileProblem.self) { try await volumes.copy(mount("/data")) }
      #expect(error == .refused("it is neither a directory nor a file"))
    }
    #expect(scratch.isUntouched)
  }

  @Test("The second volume gets what the first has left, and a new copy takes the place of the one before")
  func budget() async throws {
    let budget = VolumeBudget(volume: .init(bytes: 1 << 20, entries: 100), shell: .init(bytes: 1 << 20, entries: 100))
    let volumes = try volumes(["/a", "/b"], budget: budget) { path, limit throws(FileProblem) in
      #expect(limit == (path == "/a" ? 1 << 20 : 3 << 18))
      return [
        Told.directory(""),
        Told.item(.file, "f", bytes: [UInt8](repeating: 1, count: path == "/a" ? 1 << 18 : (3 << 18) + 1)),
      ]
    }
    for _ in 0..<5 { #expect(try await volumes.copy(mount("/a"))?.cost == .init(bytes: 1 << 18, entries: 2)) }
    let error = await #expect(throws: FileProblem.self) { try await volumes.copy(mount("/b")) }
    #expect(error?.message.contains("this shell's volumes would have more than 1 MiB") == true)
  }

  @Test("Accepts a volume that the Pod does not have")
  func absent() async throws {
    let volumes = try volumes(["/a"]) { _, _ throws(FileProblem) in throw .notFound }
    #expect(try await volumes.copy(mount("/a")) == nil)
  }

  @Test("Bytes of an agent that are cut, too many or not its own are refused")
  func bytes() throws {
    func head(_ kind: FileEntryHead.Kind, _ name: String, _ size: Int) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: FileEntryHead.size)
      bytes.withUnsafeMutableBytes {
        FileEntryHead(kind, mode: 0o644, nameLength: name.utf8.count, size: UInt64(size)).write(to: $0.baseAddress!)
      }
      return bytes + Array(name.utf8)
    }
    let whole = head(.directory, "", 0) + head(.file, "a", 2) + [1, 2] + [FileEntryHead.end]
    #expect(try PodFiles.items(whole, limit: 2).map(\.bytes) == [[], [1, 2]])
    #expect(throws: FileProblem.self) { try PodFiles.items(whole, limit: 1) }
    for count in 0..<whole.count {
      #expect(throws: FileProblem.self, "\(count)") { try PodFiles.items(Array(whole.prefix(count)), limit: 2) }
    }
    #expect(throws: FileProblem.self) {
      try PodFiles.items(head(.directory, "", 0) + head(.file, "../a", 0) + [FileEntryHead.end], limit: 9)
    }
    // An agent stops there, and there may be more.
    let many =
      (0..<9_999).reduce(into: head(.directory, "", 0)) { $0 += head(.directory, "\($1)", 0) } + [FileEntryHead.end]
    let error = #expect(throws: FileProblem.self) { try PodFiles.items(many, limit: 9) }
    #expect(error?.message.contains("more than 10000 entries") == true)
  }
}
