import Testing

@testable import KubeStreams

struct V4FramingTests {
  /// The server's first message on either channel says the port, 8080 here.
  static let ports: [[UInt8]] = [[0, 0x90, 0x1f], [1, 0x90, 0x1f]]

  @Test("Data goes on channel 0, and nothing goes before it")
  func out() {
    #expect(prefix(V4Framing(), count: 3) == [0])
    #expect(V4Framing().prologue.isEmpty)
  }

  @Test("The ports are skipped, data and errors distinguished", arguments: [1, 2, 3, 100])
  func messages(size: Int) {
    let messages = Self.ports + [[0, 1, 2, 3], [1] + Array("no".utf8), [0, 4], [0]]
    #expect(
      Unframed(V4Framing(), messages: messages, piecesOf: size)
        == Unframed(payload: [1, 2, 3, 4], errors: Array("no".utf8)))
  }

  @Test("Data right behind the port, in one message", arguments: [1, 100])
  func dataBehindPort(size: Int) {
    #expect(Unframed(V4Framing(), messages: [[0, 0x90, 0x1f, 7, 8]], piecesOf: size).payload == [7, 8])
  }

  @Test("A channel that was not asked for is skipped", arguments: [1, 100])
  func otherChannel(size: Int) {
    #expect(
      Unframed(V4Framing(), messages: Self.ports + [[2, 1, 2, 3], [0, 9]], piecesOf: size) == Unframed(payload: [9]))
  }
}
