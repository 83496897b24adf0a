import CLinux
import Foundation
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent

@Suite(.serialized, .timeLimit(.minutes(2))) struct FileEndTests {
  private let scene = OutboundScene()
  private let folder = Folder()

  private func contents(_ path: String) -> Preamble {
    Preamble(.file, port: FileOperation.contents.rawValue, address: Array(path.utf8))
  }

  /// Entries by name, with their contents.
  private func read(_ stream: TestStream, others: Int = 0) throws -> [String: (entry: FileEntry, bytes: [UInt8])] {
    #expect(scene.loop.turn(seconds: 20) { stream.sawEnd || stream.sawReset })
    #expect(stream.status == .connected && stream.sawEnd)
    stream.finish()
    var reader = FileEntryReader(maximumBytes: 1 << 30)
    var found: [String: (entry: FileEntry, bytes: [UInt8])] = [:]
    var latest = ""
    try stream.received.withUnsafeBytes { raw in
      var input = raw
      while let event = try reader.next(&input) {
        switch event {
        case .entry(let entry):
          latest = entry.nameText
          found[latest] = (entry, [])
        case .data(let bytes): found[latest]?.bytes += Array(bytes)
        case .end: break
        }
      }
    }
    #expect(reader.isComplete)
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == others })
    return found
  }

  @Test func tellsATree() throws {
    let large = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    try folder.write("one", [1])
    try folder.write("deep/er/large", large)
    try folder.write("deep/empty", [])
    try folder.write("name with ümlaut\n", [2])
    try folder.link("..data", to: "deep")
    try folder.link("out", to: "/etc/passwd")
    try folder.link("dangling", to: "nowhere")
    chmod(folder.path + "/one", 0o640)
    mkfifo(folder.path + "/fifo", 0o600)
    let found = try read(scene.open(contents(folder.path)))
    #expect(
      Set(found.keys) == [
        "", "one", "deep", "deep/er", "deep/er/large", "deep/empty", "name with ümlaut\n", "..data", "out", "dangling",
      ],
      "no FIFO, and nothing behind a link")
    #expect(found[""]?.entry.kind == .directory)
    #expect(found["one"]?.entry.mode == 0o640 && found["one"]?.bytes == [1])
    let isSame = found["deep/er/large"]?.bytes == large
    #expect(isSame)
    #expect(found["..data"]?.entry.kind == .link && found["..data"]?.entry.target == Array("deep".utf8))
    #expect(found["out"]?.entry.target == Array("/etc/passwd".utf8))
    #expect(found["deep/empty"]?.entry.kind == .file && found["deep/empty"]?.entry.size == 0)
  }

  @Test func tellsAFileAlone() throws {
    try folder.write("one", [1, 2, 3])
    let found = try read(scene.open(contents(folder.path + "/one")))
    #expect(found.keys.sorted() == [""] && found[""]?.bytes == [1, 2, 3])
  }

  /// A link is reported, not followed, with any slashes behind it.
  @Test func tellsALinkAlone() throws {
    try folder.write("one", [1])
    try folder.link("link", to: "one")
    for path in ["/link", "/link/", "/link//"] {
      let found = try read(scene.open(contents(folder.path + path)))
      #expect(found[""]?.entry.kind == .link && found[""]?.entry.target == Array("one".utf8), "\(path)")
    }
  }

  @Test func saysWhatIsNotThere() throws {
    try folder.write("one", [1])
    mkfifo(folder.path + "/fifo", 0o600)
    for (path, status) in [
      (folder.path + "/none", StreamStatus.nameNotFound), (folder.path + "/one/below", .nameNotFound),
      (folder.path + "/fifo", .failed),
      ("relative", .failed), ("", .failed), ("/etc\0/passwd", .failed),
    ] {
      let stream = scene.open(contents(path))
      #expect(scene.loop.turn { stream.sawReset })
      #expect(stream.status == status, "\(path)")
      let signature = scene.open(Preamble(.file, port: 1, address: Array(path.utf8)))
      #expect(scene.loop.turn { signature.sawReset })
      #expect(signature.status == status, "\(path)")
    }
  }

  /// Root reads everything, so this needs a thread that is another user to the file system (setfsuid(2)).
  @Test func namesWhatCannotBeRead() throws {
    guard getuid() == 0 else { return }
    try folder.write("open", [1])
    try folder.write("closed", [2])
    try folder.write("shut/x", [3])
    chmod(folder.path + "/closed", 0o600)
    chmod(folder.path + "/shut", 0o700)
    // sys/fsuid.h is in no module.
    let setfsuid = unsafeBitCast(try #require(dlsym(nil, "setfsuid")), to: (@convention(c) (uid_t) -> CInt).self)
    _ = setfsuid(65_534)
    defer { _ = setfsuid(0) }
    let found = try read(scene.open(contents(folder.path)))
    #expect(
      found["closed"]?.entry.kind == .unreadable && found["shut"]?.entry.kind == .unreadable
        && found["open"]?.bytes == [1])
    #expect(found["shut/x"] == nil)
    for path in ["/closed", "/shut"] {
      let stream = scene.open(contents(folder.path + path))
      #expect(scene.loop.turn { stream.sawReset })
      #expect(stream.status == .failed)
    }
  }

  /// The head has said a size; a reader counts on it.
  @Test(arguments: [0, 100_000, 3_000_000]) func keepsToTheSizeItHasSaid(now: Int) throws {
    let before = 1_000_000
    try folder.write("changing", [UInt8](repeating: 65, count: before))
    let stream = scene.open(contents(folder.path + "/changing"))
    stream.isReading = false
    #expect(scene.loop.turn { stream.received.count > 200_000 })
    truncate(folder.path + "/changing", now)
    stream.readAgain()
    let found = try read(stream)
    #expect(found[""]?.entry.size == UInt64(before) && found[""]?.bytes.count == before)
    #expect(found[""]?.bytes.last == (now < before ? 0 : 65))
  }

  /// Of a large file no more is read than the stream has credit for, and others go on.
  @Test func readsAsTheStreamTakes() throws {
    try folder.write("sparse", [])
    truncate(folder.path + "/sparse", 1 << 40)
    try folder.write("one", [1])
    let stream = scene.open(contents(folder.path + "/sparse"))
    stream.isReading = false
    #expect(scene.loop.turn { stream.received.count >= 256 << 10 - 1 })
    #expect(try read(scene.open(contents(folder.path + "/one")), others: 1)[""]?.bytes == [1])
    #expect(stream.received.count < 256 << 10)
    stream.reset()
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
  }

  @Test func stopsAfterTenThousandEntries() throws {
    for number in 0..<FileEntryHead.maximumEntries + 5 { try folder.write("\(number)", []) }
    #expect(try read(scene.open(contents(folder.path))).count == FileEntryHead.maximumEntries)
  }

  @Test func descriptorsAreGivenBack() throws {
    try folder.write("a/b/c", [UInt8](repeating: 1, count: 2_000_000))
    // Other tests run beside this one: those below the folder are ours.
    func count() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.hasPrefix(folder.path)
          == true
      }
    }
    let stream = scene.open(contents(folder.path))
    stream.isReading = false
    #expect(scene.loop.turn { stream.received.count > 200_000 })
    #expect(try count() == 4, "three directories and a file")
    stream.reset()
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
    #expect(try count() == 0)
  }

  @Test func anotherOperationIsNotServed() {
    let stream = scene.open(Preamble(.file, port: 9, address: Array("/etc".utf8)))
    #expect(scene.loop.turn { stream.sawReset })
    #expect(stream.status == .notServed)
  }

  // MARK: Signature

  private func signature() -> [UInt8] {
    let stream = scene.open(Preamble(.file, port: FileOperation.signature.rawValue, address: Array(folder.path.utf8)))
    #expect(scene.loop.turn { stream.sawEnd })
    #expect(stream.status == .connected && stream.received.count == 8)
    stream.finish()
    return stream.received
  }

  @Test func theSignatureChangesWithTheTree() throws {
    try folder.write("a", [1])
    try folder.write("deep/b", [2])
    try folder.link("..data", to: "deep")
    for number in 0..<300 { try folder.write("many/\(number)", [1]) }
    var seen = [signature()]
    #expect(signature() == seen[0])
    func changed(_ what: String) {
      let now = signature()
      #expect(!seen.contains(now), "\(what)")
      #expect(signature() == now)
      seen.append(now)
    }
    try folder.write("deep/b", [2, 3])
    changed("a file is longer")
    // The mtime alone, down to a nanosecond.
    var times = [timespec(tv_sec: 1_000_000, tv_nsec: 5), timespec(tv_sec: 1_000_000, tv_nsec: 5)]
    utimensat(AT_FDCWD, folder.path + "/a", times, 0)
    changed("an older file")
    times[1].tv_nsec = 6
    utimensat(AT_FDCWD, folder.path + "/a", times, 0)
    changed("a nanosecond")
    try FileManager.default.removeItem(atPath: folder.path + "/many/7")
    changed("a file less")
    chmod(folder.path + "/a", 0o600)
    changed("another mode")
    try FileManager.default.removeItem(atPath: folder.path + "/..data")
    try folder.link("..data", to: "many")
    changed("a link leads elsewhere")
  }
}

/// A directory of its own, gone with the test.
private final class Folder {
  let path = NSTemporaryDirectory() + "devtunnel-files-\(UUID().uuidString)"

  init() {
    mkdir(path, 0o755)
    chmod(path, 0o755)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = URL(filePath: path).appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  func link(_ name: String, to target: String) throws { symlink(target, path + "/" + name) }
}
