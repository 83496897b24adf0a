import CZlib
import Testing

@testable import KubeStreams

/// SPDY/3.1 as Kubernetes speaks it: control frames of version 3, header blocks in one zlib stream.
struct SPDYFramingTests {
  static let synReply: [UInt8] = [0x80, 3, 0, 2, 0, 0, 0, 6, 0, 0, 0, 3, 0xaa, 0xbb]

  static func data(_ stream: UInt8, _ bytes: [UInt8], flags: UInt8 = 0) -> [UInt8] {
    [0, 0, 0, stream, flags, 0, 0, UInt8(bytes.count)] + bytes
  }

  @Test("A data frame of stream 3 goes before the payload")
  func dataHead() {
    #expect(prefix(SPDYFraming(port: 8080), count: 0x01_0203) == [0, 0, 0, 3, 0, 1, 2, 3])
  }

  @Test("The prologue opens the error stream, closed on this side, and the data stream; zlib reads their headers")
  func prologue() throws {
    let messages = SPDYFraming(port: 8080).prologue
    #expect(messages.count == 1)
    var rest = messages.flatMap { $0 }[...]
    var blocks: [[UInt8]] = []
    for (stream, flags) in [(UInt8(1), UInt8(1)), (3, 0)] {
      let head = Array(rest.prefix(18))
      try #require(head.count == 18)
      let length = Int(head[5]) << 16 | Int(head[6]) << 8 | Int(head[7])
      #expect(Array(head[0..<4]) == [0x80, 3, 0, 1])  // SYN_STREAM
      #expect(head[4] == flags)
      #expect(Array(head[8..<18]) == [0, 0, 0, stream, 0, 0, 0, 0, 0, 0])  // no associated stream, priority 0
      blocks.append(Array(rest.dropFirst(18).prefix(length - 10)))
      rest = rest.dropFirst(8 + length)
    }
    #expect(rest.isEmpty)
    let inflated = try Inflater().inflate(blocks)
    #expect(try Self.headers(inflated[0]) == ["streamtype": "error", "port": "8080", "requestid": "0"])
    #expect(try Self.headers(inflated[1]) == ["streamtype": "data", "port": "8080", "requestid": "0"])
  }

  /// A name/value block (SPDY/3 section 2.6.10): a count, then lengths and texts.
  static func headers(_ block: [UInt8]) throws -> [String: String] {
    var rest = block[...]
    func number() throws -> Int {
      try #require(rest.count >= 4)
      defer { rest = rest.dropFirst(4) }
      return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
    func text() throws -> String {
      let count = try number()
      try #require(rest.count >= count)
      defer { rest = rest.dropFirst(count) }
      return String(decoding: rest.prefix(count), as: UTF8.self)
    }
    var headers: [String: String] = [:]
    for _ in 0..<(try number()) {
      let name = try text()
      headers[name] = try text()
    }
    #expect(rest.isEmpty)
    return headers
  }

  @Test("Payload in pieces; answers to the streams are skipped", arguments: [1, 2, 7, 100])
  func payload(size: Int) {
    let input = Self.synReply + Self.data(3, [1, 2, 3]) + Self.data(3, []) + Self.data(3, [4])
    #expect(Unframed(SPDYFraming(port: 1), messages: [input], piecesOf: size) == Unframed(payload: [1, 2, 3, 4]))
  }

  @Test("A frame's border is not that of a message", arguments: [1, 100])
  func borders(size: Int) {
    let input = Self.data(3, [1, 2, 3, 4, 5])
    let messages = [Array(input[..<3]), Array(input[3..<10]), Array(input[10...])]
    #expect(Unframed(SPDYFraming(port: 1), messages: messages, piecesOf: size).payload == [1, 2, 3, 4, 5])
  }

  @Test("Reads the error stream", arguments: [1, 3, 100])
  func error(size: Int) {
    #expect(
      Unframed(SPDYFraming(port: 1), messages: [Self.data(1, Array("refused".utf8))], piecesOf: size)
        == Unframed(errors: Array("refused".utf8)))
    #expect(Unframed(SPDYFraming(port: 1), messages: [Self.data(1, [], flags: 1)], piecesOf: size) == Unframed())
  }

  @Test(
    "Each way to end the data stream",
    arguments: [
      data(3, [], flags: 1),
      [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 1],  // RST_STREAM
      [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0],  // GOAWAY
      [0x80, 3, 0, 2, 1, 0, 0, 6, 0, 0, 0, 3, 0, 0],  // SYN_REPLY with FIN
    ] as [[UInt8]])
  func end(input: [UInt8]) {
    for size in [1, 100] {
      #expect(Unframed(SPDYFraming(port: 1), messages: [input], piecesOf: size) == Unframed(ended: 1))
    }
  }

  @Test("The end of the error stream is none of the data stream")
  func resetOfErrorStream() {
    let reset: [UInt8] = [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1]
    #expect(Unframed(SPDYFraming(port: 1), messages: [reset], piecesOf: 1) == Unframed())
  }

  @Test("The server's ping is answered, an answer to none of ours is not", arguments: [1, 100])
  func ping(size: Int) {
    let ping: [UInt8] = [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 2]
    let odd: [UInt8] = [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]
    #expect(Unframed(SPDYFraming(port: 1), messages: [ping + odd], piecesOf: size) == Unframed(answers: [ping]))
  }
}

/// zlib's own inflater: what a server would read.
private final class Inflater {
  struct Failure: Error { let code: Int32 }

  // zlib remembers the address.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  init() throws {
    stream.initialize(to: z_stream())
    let code = czlib_inflate_init(stream)
    guard code == Z_OK else { throw Failure(code: code) }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Inflates the blocks of one stream, each to its sync flush.
  func inflate(_ blocks: [[UInt8]]) throws -> [[UInt8]] {
    try blocks.map { block in
      var input = block
      var output = [UInt8](repeating: 0, count: 4096)
      let left = try input.withUnsafeMutableBufferPointer { source in
        try output.withUnsafeMutableBufferPointer { destination in
          stream.pointee.next_in = source.baseAddress
          stream.pointee.avail_in = UInt32(source.count)
          stream.pointee.next_out = destination.baseAddress
          stream.pointee.avail_out = UInt32(destination.count)
          let code = CZlib.inflate(stream, Z_SYNC_FLUSH)
          guard code == Z_OK, stream.pointee.avail_in == 0 else { throw Failure(code: code) }
          return Int(stream.pointee.avail_out)
        }
      }
      return Array(output.dropLast(left))
    }
  }
}
