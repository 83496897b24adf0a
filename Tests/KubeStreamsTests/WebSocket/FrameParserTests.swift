import Testing

@testable import KubeStreams

/// RFC 6455 section 5.2 from the client's side: what a server sends is not masked.
struct FrameParserTests {
  /// A parser's output, with the pieces of each message joined.
  enum Seen: Equatable {
    case message([UInt8])
    case ping([UInt8])
    case close(UInt16?, String)
    case malformed
  }

  /// Feeds `input` in pieces of `size` bytes, each in memory of its own.
  static func parse(_ input: [UInt8], piecesOf size: Int) -> [Seen] {
    var parser = FrameParser()
    var seen: [Seen] = []
    var message: [UInt8]?
    for start in stride(from: 0, to: input.count, by: size) {
      Array(input[start..<min(start + size, input.count)]).withUnsafeBytes { bytes in
        var rest = bytes
        while let event = parser.next(&rest) {
          switch event {
          case .began: message = []
          case .payload(let piece): message?.append(contentsOf: piece)
          case .ended:
            seen.append(message.map(Seen.message) ?? .malformed)
            message = nil
          case .ping(let payload): seen.append(.ping(payload))
          case .close(let code, let reason): seen.append(.close(code, reason))
          case .malformed: seen.append(.malformed)
          }
        }
      }
    }
    return seen
  }

  static let sizes = [1, 2, 3, 7, 100_000]

  @Test("An unmasked message of section 5.7", arguments: sizes)
  func wholeMessage(size: Int) {
    let hello: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]
    #expect(Self.parse(hello, piecesOf: size) == [.message(Array("Hello".utf8))])
  }

  @Test("A fragmented message of section 5.7, with a ping between its parts", arguments: sizes)
  func fragments(size: Int) {
    let input: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x89, 0x02, 0x68, 0x69, 0x80, 0x02, 0x6c, 0x6f]
    #expect(Self.parse(input, piecesOf: size) == [.ping(Array("hi".utf8)), .message(Array("Hello".utf8))])
  }

  @Test("Both extended lengths of section 5.7", arguments: sizes)
  func extendedLengths(size: Int) {
    let short = (0..<256).map { UInt8($0) }
    let long = (0..<65536).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let input = [0x82, 0x7e, 0x01, 0x00] + short + [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0] + long
    #expect(Self.parse(input, piecesOf: size) == [.message(short), .message(long)])
  }

  @Test("An empty message ends without a payload", arguments: sizes)
  func emptyMessage(size: Int) {
    #expect(Self.parse([0x82, 0x00, 0x82, 0x01, 0x07], piecesOf: size) == [.message([]), .message([7])])
  }

  @Test("A pong says nothing", arguments: sizes)
  func pong(size: Int) {
    #expect(Self.parse([0x8a, 0x01, 0x00, 0x82, 0x01, 0x09], piecesOf: size) == [.message([9])])
  }

  @Test("A close with its reason; nothing is taken behind it", arguments: sizes)
  func close(size: Int) {
    let input: [UInt8] = [0x88, 0x05, 0x03, 0xe8] + Array("bye".utf8) + [0x82, 0x01, 0x09]
    #expect(Self.parse(input, piecesOf: size) == [.close(1000, "bye")])
    #expect(Self.parse([0x88, 0x00], piecesOf: size) == [.close(nil, "")])
  }

  @Test(
    "Refuses frames that section 5 forbids a server",
    arguments: [
      [0x82, 0x81, 1, 2, 3, 4, 5],  // masked
      [0xc2, 0x01, 0x00],  // a reserved bit, and no extension that means it
      [0x83, 0x00],  // an opcode that is none
      [0x80, 0x01, 0x00],  // a continuation of nothing
      [0x02, 0x01, 0x00, 0x82, 0x01, 0x00],  // a message within a message
      [0x09, 0x00],  // a fragmented ping
      [0x89, 0x7e, 0x00, 0x7e],  // a ping of 126 bytes
      [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0],  // a length with its highest bit set
    ] as [[UInt8]])
  func malformed(input: [UInt8]) {
    for size in Self.sizes {
      #expect(Self.parse(input + [0x82, 0x01, 0x00], piecesOf: size).last == .malformed)
    }
  }
}
