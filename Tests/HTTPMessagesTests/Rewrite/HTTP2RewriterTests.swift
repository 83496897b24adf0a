import Testing

@testable import HTTPMessages

@Suite struct HTTP2RewriterTests {
  static let preface = Array(bytes: HTTP2Frame.preface)

  static func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
    let out = RawBytes()
    out.frame(kind, flags: flags, stream: stream, length: payload.count)
    payload.withUnsafeBytes { out.append($0) }
    return Array(out.all)
  }

  /// Literals that a decoder keeps in its table.
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in
      [0x40, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }
  }

  static let request = [
    (":method", "POST"), (":path", "/a"), (":authority", "localhost:4000"), ("origin", "http://localhost:4000"),
    ("te", "trailers"),
  ]

  /// Decodes what comes out of one side.
  struct Reader {
    var frames: [String] = []
    private let reader = HTTP2FrameReader(collected: .max)
    private let decoder = HPACKDecoder()
    private let block = HTTP2HeaderBlock()

    mutating func read(_ bytes: [UInt8]) {
      bytes.withUnsafeBytes { buffer in
        var rest = buffer
        while case .frame(let frame) = reader.next(&rest) {
          guard reader.kind == HTTP2Frame.headers || reader.kind == HTTP2Frame.continuation else {
            frames.append("\(reader.kind) \(reader.stream) \(Array(frame.behind(9)))")
            continue
          }
          guard case .complete(let fragment) = block.take(reader, frame) else { continue }
          let list = HeaderList()
          guard decoder.decode(fragment, into: list) else { return frames.append("no block") }
          let fields = list.fields.map {
            String(decoding: list.name($0), as: UTF8.self) + "=" + String(decoding: list.value($0), as: UTF8.self)
          }
          frames.append("headers \(block.stream)\(block.isLast ? " end" : "") " + fields.joined(separator: " "))
          block.clear()
        }
      }
    }
  }

  static func run(_ events: [(fromClient: Bool, bytes: [UInt8])], pieces: Int) -> (
    server: [String], client: [String], goesOn: Bool
  ) {
    let rewriter = HTTPRewriter(HTTP1RewriterTests.rewrite)
    var (server, client) = (Reader(), Reader())
    var fromClient: [UInt8] = []
    var goesOn = true
    for event in events {
      var rest = event.bytes[...]
      while !rest.isEmpty, goesOn {
        let piece = Array(rest.prefix(pieces))
        rest = rest.dropFirst(pieces)
        goesOn = piece.withUnsafeBytes { bytes in
          rewriter.received(bytes, fromClient: event.fromClient) { bytes, toClient in
            if toClient { client.read(Array(bytes)) } else { fromClient += bytes }
          }
        }
      }
    }
    server.read(Array(fromClient.dropFirst(preface.count)))
    return (server.frames, client.frames, goesOn)
  }

  @Test(arguments: [1, 2, 5, 9, 4096])
  func aCallIsMarkedAndItsAnswerComesBack(pieces: Int) {
    let call = Self.block(Self.request)
    let answer = Self.block([
      (":status", "200"), ("location", "http://user.shop:8080/x"), ("set-cookie", "a=1; Secure"),
    ])
    let data = Self.frame(0, stream: 1, [0, 0, 0, 0, 0])
    let result = Self.run(
      [
        (true, Self.preface + Self.frame(4, stream: 0, [0, 1, 0, 0, 0, 0])),
        // With priority and padding, in two frames.
        (true, Self.frame(1, flags: 0x28, stream: 1, [2, 0, 0, 0, 0, 9] + call.prefix(10) + [0, 0])),
        (true, Self.frame(9, flags: 4, stream: 1, Array(call.dropFirst(10))) + data),
        // The second request is made of the first one's fields: 62 is the newest of five.
        (true, Self.frame(1, flags: 5, stream: 3, [66, 65, 64, 63, 62].map { 0x80 | $0 })),
        (false, Self.frame(4, flags: 1, stream: 0) + Self.frame(1, flags: 4, stream: 1, [0x20] + answer) + data),
        (false, Self.frame(1, flags: 5, stream: 1, Self.block([("grpc-status", "0")]))),
        (false, Self.frame(7, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0])),
      ], pieces: pieces)
    let head =
      ":method=POST :path=/a :authority=user.shop:8080 origin=http://user.shop:8080 te=trailers x-devtunnel=alice "
      + "baggage=devtunnel=alice"
    #expect(result.goesOn)
    #expect(
      result.server == [
        "4 0 [0, 1, 0, 0, 0, 0]", "headers 1 \(head)", "0 1 [0, 0, 0, 0, 0]", "headers 3 end \(head)",
      ])
    #expect(
      result.client == [
        "4 0 []", "headers 1 :status=200 location=http://localhost:4000/x set-cookie=a=1", "0 1 [0, 0, 0, 0, 0]",
        "headers 1 end grpc-status=0", "7 0 [0, 0, 0, 0, 0, 0, 0, 0]",
      ])
  }

  @Test(arguments: [1, 4096]) func aServersSettingsMayComeFirst(pieces: Int) {
    let result = Self.run(
      [
        (false, Self.frame(4, stream: 0, [0, 3, 0, 0, 0, 9])),
        (true, Self.preface + Self.frame(1, flags: 5, stream: 1, Self.block(Self.request))),
      ], pieces: pieces)
    #expect(result.goesOn)
    #expect(result.client == ["4 0 [0, 3, 0, 0, 0, 9]"])
    #expect(result.server.first?.hasPrefix("headers 1 end :method=POST") == true)
  }

  @Test func trailersOfAClientPass() {
    let result = Self.run(
      [
        (true, Self.preface + Self.frame(1, flags: 4, stream: 1, Self.block(Self.request))),
        (true, Self.frame(1, flags: 5, stream: 1, Self.block([("x-check", "1")]))),
      ], pieces: 4096)
    #expect(result.server.last == "headers 1 end x-check=1")
  }

  @Test func promisesAreRead() {
    let promised = Self.block([(":method", "GET"), (":path", "/style"), (":authority", "user.shop:8080")])
    let result = Self.run(
      [
        (true, Self.preface + Self.frame(1, flags: 5, stream: 1, Self.block(Self.request))),
        (false, Self.frame(5, stream: 1, [0, 0, 0, 2] + promised.prefix(5))),
        (false, Self.frame(9, flags: 4, stream: 1, Array(promised.dropFirst(5)))),
        // 64 is the method that the promise has put into the table.
        (false, Self.frame(1, flags: 4, stream: 1, Self.block([(":status", "200")]) + [0x80 | 65])),
      ], pieces: 4096)
    #expect(result.goesOn)
    #expect(result.client.first?.hasPrefix("5 1 [0, 0, 0, 2, ") == true)
    #expect(result.client.last == "headers 1 :status=200 :method=GET")
  }

  /// Each block names one long entry of the table many times, and would be written without the table.
  @Test("Blocks that would become many times as long end the connection", arguments: [true, false])
  func growth(fromClient: Bool) {
    let fill: [UInt8] = [0x40, 1, 0x78, 0x7f, 0xa1, 0x1d] + [UInt8](repeating: 0x61, count: 3872)
    let head = Self.block(fromClient ? Self.request : [(":status", "200")])
    let first = Self.frame(1, flags: 4, stream: 1, head + fill)
    let bomb = (1...40).flatMap {
      Self.frame(1, flags: 4, stream: UInt32($0) * 2 + 1, [UInt8](repeating: 0x80 | 62, count: 15))
    }
    let opening = Self.preface + Self.frame(1, flags: 4, stream: 1, Self.block(Self.request))
    let result = Self.run(
      fromClient ? [(true, Self.preface + first), (true, bomb)] : [(true, opening), (false, first), (false, bomb)],
      pieces: 1 << 20)
    #expect(!result.goesOn)
  }

  @Test(arguments: [
    ("a foreign name", block([(":method", "GET"), (":path", "/"), (":authority", "evil.example")])),
    ("no header block", [0x80]), ("an index without an entry", [0xFF, 0x10]),
  ])
  func connectionsThatEnd(reason: String, block: [UInt8]) {
    #expect(!Self.run([(true, Self.preface + Self.frame(1, flags: 5, stream: 1, block))], pieces: 4096).goesOn)
  }
}
