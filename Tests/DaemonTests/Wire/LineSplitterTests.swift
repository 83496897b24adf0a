import Testing

@testable import ControlAPI

struct LineSplitterTests {
  @Test func bytesOneByOneGiveTheSameLines() throws {
    var splitter = LineSplitter()
    var lines: [String] = []
    for byte in "one\n\ntwo\nthr".utf8 {
      lines += try splitter.take([byte]).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(lines == ["one", "two"])
    #expect(try splitter.take(Array("ee\n".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["three"])
  }

  @Test func aLineAtTheLimitPassesAndOneOverItDoesNot() throws {
    var splitter = LineSplitter(limit: 4)
    #expect(try splitter.take(Array("abcd\n".utf8)).count == 1)
    #expect(throws: ControlError.self) { try splitter.take(Array("abcde\n".utf8)) }
  }
}
