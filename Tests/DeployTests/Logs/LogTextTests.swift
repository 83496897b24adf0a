import Testing

@testable import Deploy

struct LogTextTests {
  private let log = Array(
    "2026-01-01T00:00:01.100000000Z a\n2026-01-01T00:00:01.200000000Z b\n2026-01-01T00:00:01.200000000Z c\n".utf8)

  @Test("Lines in any pieces", arguments: [1, 2, 7, 1000])
  func pieces(size: Int) {
    var text = LogText(since: "2026-01-01T00:00:00")
    var lines: [String] = []
    for start in stride(from: 0, to: log.count, by: size) {
      lines += text.read(Array(log[start..<min(start + size, log.count)])).map(\.text)
    }
    #expect(lines == ["a", "b", "c"])
  }

  @Test("A log that is opened again repeats nothing, and loses nothing of the same instant")
  func reopened() {
    var text = LogText(since: "2026-01-01T00:00:00")
    #expect(text.read(Array(log.dropLast(33))).map(\.text) == ["a", "b"])
    text.reopen()
    #expect(text.read(log).map(\.text) == ["c"])
    text.reopen()
    #expect(text.read(log + Array("2026-01-01T00:00:01.200000000Z d\n".utf8)).map(\.text) == ["d"])
  }

  @Test("Leaves out lines that are older than the run")
  func old() {
    var text = LogText(since: "2026-01-01T00:00:02")
    #expect(text.read(log + Array("2026-01-01T00:00:02.000000000Z d\n".utf8)).map(\.text) == ["d"])
  }

  @Test("A line without end comes in pieces, and memory stays bounded")
  func long() {
    var text = LogText(since: "2026-01-01T00:00:00")
    let line = Array("2026-01-01T00:00:01.000000000Z ".utf8) + [UInt8](repeating: 120, count: 3 * LogText.limit) + [10]
    let pieces = text.read(line).map(\.text)
    #expect(pieces.count > 3)
    #expect(pieces.joined().utf8.count == 3 * LogText.limit)
    #expect(text.read(Array("2026-01-01T00:00:03.000000000Z next\n".utf8)).map(\.text) == ["next"])
  }
}
