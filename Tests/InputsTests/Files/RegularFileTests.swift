import Foundation
import Inputs
import Testing

struct RegularFileTests {
  private let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "inputs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { directory.appending(path: name).path }

  @Test("A file is read whole, also through a link; what is no file has no contents", .timeLimit(.minutes(1)))
  func kinds() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let text = String(repeating: "é", count: 100_000)
    try Data(text.utf8).write(to: directory.appending(path: "file"))
    for (name, target) in [("link", "file"), ("zero", "/dev/zero"), ("loop", "loop")] {
      try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    }
    #expect(mkfifo(path("fifo"), 0o600) == 0)
    #expect(try RegularFile.text(path("link"), limit: 1 << 20) == text)
    for name in ["zero", "fifo", "."] {
      #expect(throws: RegularFile.Failure.notRegular) { try RegularFile.read(path(name), limit: 1 << 20) }
      #expect(throws: RegularFile.Failure.notRegular) { try RegularFile.pieces(of: path(name)) { _ in } }
    }
    #expect(throws: RegularFile.Failure.missing) { try RegularFile.read(path("gone"), limit: 1) }
    #expect(throws: RegularFile.Failure.system(ELOOP)) { try RegularFile.read(path("loop"), limit: 1) }
  }

  @Test("No more than the limit, also of a file that grows without saying so", .timeLimit(.minutes(1)))
  func limits() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try Data(count: 1000).write(to: directory.appending(path: "file"))
    #expect(try RegularFile.read(path("file"), limit: 1000).count == 1000)
    #expect(throws: RegularFile.Failure.tooLarge(limit: 999)) { try RegularFile.read(path("file"), limit: 999) }
    // A file of /proc says that it is empty.
    #expect(throws: RegularFile.Failure.tooLarge(limit: 3)) { try RegularFile.read("/proc/self/status", limit: 3) }
    // Sparse: 8 EiB of nothing.
    #expect(truncate(path("file"), 1 << 40) == 0)
    #expect(throws: RegularFile.Failure.tooLarge(limit: 1 << 20)) { try RegularFile.read(path("file"), limit: 1 << 20) }
  }
}
