import TestSupport
import Testing
import TunnelProtocol

@Suite struct FileEntryReaderTests {
  private typealias Violation = FileEntryReader.Violation

  private static func bytes(
    _ kind: FileEntryHead.Kind, _ name: String, _ body: [UInt8] = [], mode: UInt16 = 0o644, size: UInt64? = nil
  ) -> [UInt8] {
    var head = [UInt8](repeating: 0, count: FileEntryHead.size)
    head.withUnsafeMutableBytes {
      FileEntryHead(kind, mode: mode, nameLength: name.utf8.count, size: size ?? UInt64(body.count)).write(
        to: $0.baseAddress!)
    }
    return head + Array(name.utf8) + body
  }

  /// Entries as text, with the contents gathered.
  private func read(_ bytes: [UInt8], step: Int = .max, limit: UInt64 = 1 << 20) throws(Violation) -> [String] {
    var reader = FileEntryReader(maximumBytes: limit)
    var told: [String] = []
    var offset = 0
    while offset < bytes.count {
      let piece = Array(bytes[offset..<min(bytes.count, offset + min(step, bytes.count))])
      offset += piece.count
      try feed(&reader, piece, &told)
    }
    if !reader.isComplete { told.append("cut") }
    return told
  }

  private func feed(_ reader: inout FileEntryReader, _ piece: [UInt8], _ told: inout [String]) throws(Violation) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 8)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: piece)
    var input = UnsafeRawBufferPointer(buffer)
    while let event = try reader.next(&input) {
      switch event {
      case .entry(let entry):
        told.append(
          "\(entry.kind) \(String(entry.mode, radix: 8)) \(entry.nameText) → "
            + "\(String(decoding: entry.target, as: UTF8.self)): "
        )
      case .data(let bytes): told[told.count - 1] += String(decoding: bytes, as: UTF8.self)
      case .end: told.append("end")
      }
    }
  }

  private static let tree: [UInt8] =
    bytes(.directory, "", mode: 0o755) + bytes(.link, "..data", Array("..2026".utf8), mode: 0o777)
    + bytes(.directory, "..2026", mode: 0o755)
    + bytes(.file, "..2026/token", Array("secret".utf8)) + bytes(.file, "..2026/empty")
    + bytes(.unreadable, "..2026/closed", mode: 0) + [FileEntryHead.end]

  @Test(arguments: [1, 2, 5, 13, 14, 40, Int.max]) func readsATree(step: Int) throws {
    #expect(
      try read(Self.tree, step: step) == [
        "directory 755  → : ", "link 777 ..data → ..2026: ", "directory 755 ..2026 → : ",
        "file 644 ..2026/token → : secret", "file 644 ..2026/empty → : ",
        "unreadable 0 ..2026/closed → : ", "end",
      ])
  }

  @Test func readsAFileAlone() throws {
    #expect(try read(Self.bytes(.file, "", [65]) + [101]) == ["file 644  → : A", "end"])
  }

  @Test func saysWhenItWasCut() throws {
    for count in 1..<Self.tree.count { #expect(try read(Array(Self.tree[..<count])).last == "cut", "\(count) bytes") }
  }

  @Test(arguments: [
    "/etc/passwd", "..", "../x", "a/../x", "a/..", ".", "a/./x", "a//x", "a/", "/", "", "b/x", "a\0b", "link/x",
    "file/x",
  ]) func refusesWhatLeadsOut(name: String) {
    let tree =
      Self.bytes(.directory, "") + Self.bytes(.directory, "a") + Self.bytes(.link, "link", Array("/etc".utf8))
      + Self.bytes(.file, "file")
    #expect(throws: Violation.name(name)) { try read(tree + Self.bytes(.file, name, [1])) }
    #expect(throws: Never.self) { try read(tree + Self.bytes(.file, "a/x", [1])) }
  }

  /// A directory must not become a link behind the reader's back.
  @Test func refusesANameTwice() {
    let tree = Self.bytes(.directory, "") + Self.bytes(.directory, "a")
    #expect(throws: Violation.name("a")) { try read(tree + Self.bytes(.link, "a", Array("/etc".utf8))) }
  }

  @Test func refusesATreeThatDoesNotBeginWithItself() {
    #expect(throws: Violation.name("a")) { try read(Self.bytes(.file, "a")) }
  }

  @Test func refusesWhatIsTooLarge() {
    let root = Self.bytes(.directory, "")
    #expect(throws: Violation.tooLarge(10)) { try read(root + Self.bytes(.file, "a", [1], size: 11), limit: 10) }
    #expect(throws: Violation.tooLarge(10)) {
      try read(root + Self.bytes(.file, "a", Array(1...9)) + Self.bytes(.file, "b", [1, 2]), limit: 10)
    }
    #expect(throws: Violation.tooLarge(10)) {
      try read(root + Self.bytes(.file, "a", [1]) + Self.bytes(.file, "b", size: .max), limit: 10)
    }
    #expect(throws: Never.self) { try read(root + Self.bytes(.file, "a", Array(1...10)), limit: 10) }
  }

  @Test func refusesWhatItDoesNotUnderstand() {
    let root = Self.bytes(.directory, "")
    #expect(throws: Violation.malformed) { try read([FileEntryHead.end]) }
    #expect(throws: Violation.malformed) { try read([7] + root.dropFirst()) }
    #expect(throws: Violation.malformed) { try read(root + Self.bytes(.directory, "a", size: 3)) }
    #expect(throws: Violation.malformed) { try read(root + Self.bytes(.link, "a", size: 4097)) }
    #expect(throws: Violation.malformed) { try read(root + Self.bytes(.file, String(repeating: "n", count: 4097))) }
    #expect(throws: Violation.trailing) { try read(root + [101, 101]) }
  }

  @Test func refusesTooManyEntries() {
    var bytes = Self.bytes(.directory, "")
    for number in 1..<FileEntryHead.maximumEntries { bytes += Self.bytes(.file, String(number)) }
    #expect(throws: Never.self) { try read(bytes + [101]) }
    #expect(throws: Violation.tooManyEntries) { try read(bytes + Self.bytes(.file, "more")) }
  }

  /// Any input ends in an error or asks for more.
  @Test(arguments: 0..<200) func survivesDamage(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var bytes = Self.tree
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    _ = try? read(bytes, step: Int.random(in: 1...bytes.count, using: &random))
  }
}
