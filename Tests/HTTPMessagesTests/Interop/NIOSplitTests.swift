import HTTPMessages
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

private typealias NIOFrame = NIOHTTP2.HTTP2Frame

/// A splitter of HTTP/2 between swift-nio-http2's client and its servers.
struct NIOSplitTests {
  @Test("Each stream is answered by its server, whole", arguments: 0..<4)
  func split(seed: Int) throws {
    let scene = try Scene(seed)
    for number in 0..<40 {
      try scene.request(number)
      if scene.random.below(3) == 0 { try scene.move() }
    }
    for _ in 0..<20_000 where scene.client.ended.count < 40 { try scene.move() }
    for number in 0..<40 {
      let stream = 2 * number + 1
      let asked = scene.asked[number]
      #expect(scene.client.heads[stream]?.first(name: "x-from") == "\(asked.way)")
      #expect(scene.client.bodies[stream]?.count ?? 0 == asked.answer)
      #expect(scene.client.trailers[stream]?.first(name: "x-got") == "\(asked.body)")
    }
    #expect(!scene.isOver && scene.client.problems.isEmpty)
    #expect(scene.servers.values.allSatisfy { $0.problems.isEmpty })
  }
}

/// One end of a connection, by swift-nio-http2.
private final class Peer {
  let channel = EmbeddedChannel()
  let name: String
  var heads: [Int: HPACKHeaders] = [:]
  var trailers: [Int: HPACKHeaders] = [:]
  var bodies: [Int: [UInt8]] = [:]
  var ended: Set<Int> = []
  var problems: [String] = []
  private let isClient: Bool

  init(_ name: String, isClient: Bool) throws {
    self.name = name
    self.isClient = isClient
    let handler = NIOHTTP2Handler(mode: isClient ? .client : .server)
    try channel.pipeline.syncOperations.addHandler(handler)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  deinit { _ = try? channel.finish() }

  func write(_ stream: HTTP2StreamID, _ payload: NIOFrame.FramePayload) {
    channel.writeAndFlush(NIOFrame(streamID: stream, payload: payload), promise: nil)
  }

  func send(_ stream: Int, _ headers: HPACKHeaders, body: Int, trailers: HPACKHeaders? = nil) {
    let id = HTTP2StreamID(stream)
    let endsHere = body == 0 && trailers == nil
    write(id, .headers(.init(headers: headers, endStream: endsHere)))
    if body > 0 {
      let data = ByteBuffer(repeating: UInt8(truncatingIfNeeded: stream), count: body)
      write(id, .data(.init(data: .byteBuffer(data), endStream: trailers == nil)))
    }
    if let trailers { write(id, .headers(.init(headers: trailers, endStream: true))) }
  }

  /// The bytes that it has written since the last call.
  func written() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let data = try channel.readOutbound(as: IOData.self) {
      if case .byteBuffer(let buffer) = data { bytes += buffer.readableBytesView }
    }
    return bytes
  }

  func receive(_ bytes: [UInt8]) throws {
    try channel.writeInbound(ByteBuffer(bytes: bytes))
    var frames: [NIOFrame] = []
    while let frame = try channel.readInbound(as: NIOFrame.self) { frames.append(frame) }
    // The handler is ahead of this loop: it takes no window for a stream that has ended.
    let last = Set(frames.filter(\.endsStream).map(\.streamID))
    for frame in frames {
      let stream = Int(frame.streamID)
      switch frame.payload {
      case .headers(let head):
        if heads[stream] == nil { heads[stream] = head.headers } else { trailers[stream] = head.headers }
        if head.endStream { end(stream) }
      case .data(let data):
        guard case .byteBuffer(let buffer) = data.data else { continue }
        if !buffer.readableBytesView.allSatisfy({ $0 == UInt8(truncatingIfNeeded: stream) }) {
          problems.append("the body of \(stream)")
        }
        bodies[stream, default: []] += buffer.readableBytesView
        if buffer.readableBytes > 0 {
          write(.rootStream, .windowUpdate(windowSizeIncrement: buffer.readableBytes))
          if !last.contains(frame.streamID) {
            write(frame.streamID, .windowUpdate(windowSizeIncrement: buffer.readableBytes))
          }
        }
        if data.endStream { end(stream) }
      case .rstStream, .goAway: problems.append("\(frame)")
      default: break
      }
    }
  }

  private func end(_ stream: Int) {
    ended.insert(stream)
    guard !isClient, let head = heads[stream] else { return }
    let size = head.first(name: "x-answer").flatMap { Int($0) } ?? 0
    let headers: HPACKHeaders = [":status": "200", "x-from": name]
    send(stream, headers, body: size, trailers: ["x-got": "\(bodies[stream]?.count ?? 0)"])
  }
}

extension NIOFrame {
  fileprivate var endsStream: Bool {
    switch payload {
    case .headers(let head): head.endStream
    case .data(let data): data.endStream
    default: false
    }
  }
}

private final class Scene: SplitDriver {
  struct Asked {
    var way: Way
    var body: Int
    var answer: Int
  }

  var random: Random
  let client: Peer
  var servers: [Way: Peer] = [:]
  var asked: [Asked] = []
  private(set) var isOver = false
  private var splitter: HTTP2Splitter!
  private var opened: [Way] = []
  /// The bytes on their way to the splitter, and from it.
  private var inward: [Way?: [UInt8]] = [:]
  private var outward: [Way?: [UInt8]] = [:]

  init(_ seed: Int) throws {
    random = Random(seed)
    client = try Peer("client", isClient: true)
    servers[0] = try Peer("0", isClient: false)
    super.init()
    splitter = HTTP2Splitter(driver: self)
  }

  func request(_ number: Int) throws {
    let one = Asked(
      way: Way(random.below(3)), body: random.pick([0, 0, 100, 9_000, 70_000]),
      answer: random.pick([0, 1, 5_000, 70_000]))
    asked.append(one)
    client.send(
      2 * number + 1,
      [
        ":method": one.body > 0 ? "POST" : "GET", ":path": "/\(number % 5)", ":scheme": "http", ":authority": "shop",
        "x-way": "\(one.way)", "x-answer": "\(one.answer)",
      ], body: one.body)
  }

  /// Moves some bytes of each connection.
  func move() throws {
    for way in [nil] + servers.keys.sorted().map(Optional.some) {
      guard !isOver else { return }
      let peer = way.map { servers[$0]! } ?? client
      inward[way, default: []] += try peer.written()
      let side = way.map(SplitSide.way) ?? .client
      let bytes = Array(inward[way, default: []].prefix(1 + random.below(random.below(8) == 0 ? 20 : 60_000)))
      if !bytes.isEmpty, splitter.mayRead(from: side) {
        inward[way]!.removeFirst(bytes.count)
        bytes.withUnsafeBytes { splitter.received($0, from: side) }
      }
      let due = Array(outward[way, default: []].prefix(1 + random.below(60_000)))
      outward[way, default: []].removeFirst(due.count)
      if !due.isEmpty { try peer.receive(due) }
    }
    for way in opened { splitter.opened(way) }
    opened = []
  }

  override func route(_ request: borrowing RequestHead) -> Way {
    for way in 1...2 as ClosedRange<Way> {
      if RequestRule(text: Array("header x-way=\(way)".utf8))?.matches(request) == true { return way }
    }
    return 0
  }

  override func open(_ way: Way) {
    servers[way] = try? Peer("\(way)", isClient: false)
    opened.append(way)
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    switch side {
    case .client: outward[nil, default: []] += bytes
    case .way(let way): outward[way, default: []] += bytes
    }
  }

  override func end(reset: Bool) { isOver = true }

  override func queued(for side: SplitSide) -> Int {
    switch side {
    case .client: outward[nil]?.count ?? 0
    case .way(let way): outward[way]?.count ?? 0
    }
  }
}
