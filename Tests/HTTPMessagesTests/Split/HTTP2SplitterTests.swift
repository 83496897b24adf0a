import Testing

@testable import HTTPMessages

/// Faults and bounds, one by one.
struct HTTP2SplitterTests {
  /// A scene whose client has one answered request at the host.
  private func split(_ name: String = "alice") -> ModelScene {
    let scene = ModelScene(1)
    scene.rules = ["alice": 1, "bob": 2]
    scene.request(as: nil)
    scene.request(as: name, answer: 10)
    scene.drain()
    return scene
  }

  private func big(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  // MARK: The client's errors

  static let wrong: [(String, UInt8, UInt8, UInt32, [UInt8], UInt32)] = [
    ("DATA on stream 0", 0, 0, 0, [1], 1),
    ("DATA on an idle stream", 0, 0, 99, [1], 1),
    ("DATA that is all padding", 0, 8, 0, [], 1),
    ("a head on an even stream", 1, 5, 6, [0x82], 1),
    ("a head that is no block", 1, 5, 5, [0x80], 9),
    ("a head with too much padding", 1, 0xd, 5, [9, 0x82], 1),
    ("CONTINUATION without a head", 9, 4, 5, [0x82], 1),
    ("PUSH_PROMISE", 5, 4, 1, [0, 0, 0, 2, 0x82], 1),
    ("RST_STREAM of 3 bytes", 3, 0, 1, [0, 0, 0], 6),
    ("RST_STREAM of an idle stream", 3, 0, 99, [0, 0, 0, 0], 1),
    ("WINDOW_UPDATE of 0", 8, 0, 0, [0, 0, 0, 0], 1),
    ("WINDOW_UPDATE of 5 bytes", 8, 0, 0, [0, 0, 0, 0, 1], 6),
    ("WINDOW_UPDATE above the largest window", 8, 0, 0, [0x7f, 255, 255, 255], 3),
    ("WINDOW_UPDATE of an idle stream", 8, 0, 99, [0, 0, 0, 1], 1),
    ("SETTINGS of 5 bytes", 4, 0, 0, [0, 4, 0, 0, 0], 6),
    ("a first window above the largest", 4, 0, 0, [0, 4, 0x80, 0, 0, 0], 3),
    ("a frame that is too long", 1, 5, 5, [UInt8](repeating: 0x82, count: 16385), 6),
  ]

  @Test("An error of the client ends a connection that is split, by the code a server would send", arguments: wrong)
  func error(name: String, kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8], code: UInt32) {
    let scene = split()
    scene.client.write(kind, flags, stream, payload)
    scene.drain()
    #expect(scene.isOver && !scene.isReset)
    scene.drain()
    #expect(scene.client.goAway == 3)
    #expect(scene.client.goAwayCode == code)
  }

  @Test("While nothing was split, the origin gets the same error byte for byte", arguments: wrong)
  func errorBefore(name: String, kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8], code: UInt32) {
    let scene = ModelScene(1)
    scene.request(as: nil)
    scene.drain()
    scene.client.write(kind, flags, stream, payload)
    scene.client.ping()
    pass(scene)
    #expect(!scene.isOver)
    #expect(scene.clientSent == scene.originBytes)
  }

  private func pass(_ scene: ModelScene) {
    while scene.deliver(scene.client, from: .client, most: 7) {}
  }

  @Test("Another protocol's bytes pass")
  func otherProtocol() {
    let scene = ModelScene(1)
    scene.client.out = Array("PRI * HTTP/2.1\r\n\r\nwhatever this is".utf8)
    pass(scene)
    #expect(scene.clientSent == scene.originBytes)
  }

  @Test("A frame between a head and its CONTINUATION is an error")
  func interrupted() {
    let scene = split()
    scene.client.write(1, 1, 5, [0x82])
    scene.client.ping()
    scene.drain()
    #expect(scene.client.goAwayCode == 1)
  }

  // MARK: Floods

  @Test("A block of endless CONTINUATION frames ends the connection")
  func continuations() {
    let scene = split()
    scene.client.write(1, 1, 5, [0x82])
    for _ in 0..<20_000 { scene.client.write(9, 0, 5, []) }
    scene.drain()
    #expect(scene.isOver)
    #expect(scene.client.goAwayCode == 11)
  }

  @Test("Settings that nobody acknowledges end the connection")
  func settings() {
    let scene = split()
    for _ in 0..<300 { scene.client.changeSettings(window: 1000) }
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    #expect(scene.isOver)
  }

  @Test("Streams that are opened and reset at once leave nothing behind")
  func rapidReset() {
    let scene = split()
    for _ in 0..<20_000 {
      scene.request(as: "alice")
      scene.client.reset(scene.client.streams[scene.client.order.last!]!, 8)
      scene.deliver(scene.client, from: .client, most: 1 << 20)
      #expect(scene.queued(for: .way(1)) < 3 << 20)
    }
    #expect(scene.splitter.streams.count == 0)
    scene.drain()
    scene.request(as: nil, answer: 5)
    scene.drain()
    #expect(scene.problem(scene.client.order.last!, from: scene.origin) == nil)
  }

  @Test("A header list above the limit resets its stream only")
  func longList() {
    let scene = split()
    let id = scene.client.order.last! + 2
    scene.client.order.append(id)
    scene.client.streams[id] = ModelStream(id: id, sendWindow: 0, receiveWindow: 0)
    // An entry of 3,000 bytes, which 200 bytes name 200 times.
    let entry = bytes("400178" + "7fb916") + [UInt8](repeating: 0x61, count: 3000)
    scene.client.write(1, 4, id, entry + [UInt8](repeating: 0xbe, count: 200))
    scene.drain()
    #expect(scene.client.streams[id]!.reset == 11)
    #expect(!scene.isOver)
    #expect(scene.client.breaches == [])
  }

  /// A generous origin: its windows take 16 MiB.
  private func generous() -> ModelScene {
    let scene = ModelScene(1, originWindow: 16 << 20)
    scene.rules = ["alice": 1]
    scene.hostWindow = 0
    scene.origin.write(8, 0, 0, scene.origin.number(32 << 20))
    scene.origin.widen(32 << 20)
    scene.request(as: nil)
    scene.drain()
    return scene
  }

  @Test("Uploads that a host does not take wait at the client, and other streams go on with the origin's windows")
  func narrowed() {
    let scene = generous()
    scene.request(as: nil, body: 1 << 20)
    let early = scene.client.streams[3]!
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.request(as: "alice", body: 1 << 20)
    // The client learns of the smaller windows before it sends.
    for _ in 0..<3 {
      scene.deliver(scene.client, from: .client, most: 1 << 20)
      scene.settle(1)
      scene.arrive(at: .client, most: 1 << 20)
    }
    scene.request(as: nil, body: 1 << 20, answer: 10)
    scene.drain()
    #expect(scene.client.streams[5]!.reset == nil)
    #expect((120 << 10...128 << 10).contains(scene.splitter.queuedUp))
    #expect(early.hasEnded)
    #expect(scene.problem(7, from: scene.origin) == nil)
    scene.hosts[1]!.changeSettings(window: 65535)
    scene.drain()
    #expect(scene.problem(5, from: scene.hosts[1]!) == nil)
    // More windows of the origin are passed on, too.
    scene.origin.changeSettings(window: 20 << 20)
    scene.request(as: nil, body: 100)
    scene.drain()
    #expect(scene.client.streams[9]!.sendWindow > 19 << 20)
    #expect(scene.client.streams[9]!.sendWindow == scene.origin.streams[9]!.receiveWindow)
    #expect(scene.breaches == [])
  }

  @Test("Uploads that came before the client knew of smaller windows are bounded")
  func uploadBudget() {
    let scene = generous()
    scene.request(as: "alice", body: 9 << 20)
    scene.request(as: nil, body: 1000, answer: 10)
    for id in scene.client.order { while scene.client.push(scene.client.streams[id]!, &scene.random) {} }
    scene.drain()
    #expect(scene.client.streams[3]!.reset == 11)
    #expect(scene.splitter.queuedUp == 0)
    #expect(scene.problem(5, from: scene.origin) == nil)
    #expect(scene.breaches == [])
  }

  @Test("Bytes kept for replays are bounded, and gone at the end")
  func keptHeads() {
    let scene = split()
    for _ in 0..<80 {
      let id = scene.client.order.last! + 2
      scene.client.order.append(id)
      scene.client.streams[id] = ModelStream(id: id, sendWindow: 0, receiveWindow: 0)
      let head = bytes("828684" + "0f2d0a") + Array("abcdefghij".utf8)
      let long = bytes("000178" + "7fe17a") + [UInt8](repeating: 0x61, count: 15840)
      let mark = bytes("000b") + Array("x-devtunnel".utf8) + bytes("05") + Array("alice".utf8)
      scene.client.write(1, 5, id, head + long + mark)
      scene.deliver(scene.client, from: .client, most: 1 << 20)
      scene.arrive(at: .way(1), most: 1 << 20)
      #expect(scene.splitter.keptHeads < 1 << 20 + 20_000)
    }
    #expect(scene.splitter.keptHeads > 1 << 20)
    scene.splitter.failed(1)
    #expect(scene.splitter.keptHeads == 0)
    #expect(scene.splitter.streams.count > 0)
  }

  // MARK: Hosts

  @Test("A host that speaks HTTP/1, or breaks windows, loses its streams, and the origin keeps its own")
  func wrongHost() {
    let breaches: [[UInt8]] = [
      Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
      [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      [0, 0, 0, 9, 4, 0, 0, 0, 1],
    ]
    for bytes in breaches {
      let scene = ModelScene(1)
      scene.rules = ["alice": 1]
      scene.request(as: "alice")
      scene.request(as: nil, answer: 10)
      scene.deliver(scene.client, from: .client, most: 1 << 20)
      scene.settle(1)
      scene.hosts[1]!.out = bytes
      scene.deliver(scene.hosts[1]!, from: .way(1), most: 100)
      #expect(scene.closed == [1])
      scene.drain()
      #expect(scene.client.streams[1]!.reset == 7)
      #expect(scene.problem(3, from: scene.origin) == nil)
    }
  }

  private static func field(_ name: String, _ value: String) -> [UInt8] {
    [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
  }

  static let unsound: [(String, [(kind: UInt8, payload: [UInt8])])] = [
    ("DATA before a head", [(0, [1])]),
    ("a head without a status", [(1, field("x", "y"))]),
    ("a status behind a field", [(1, field("x", "y") + [0x88])]),
    ("two status fields", [(1, [0x88, 0x88])]),
    ("a status of two digits", [(1, field(":status", "20"))]),
    ("a second head", [(1, [0x88]), (1, [0x88])]),
    ("a capital in a name", [(1, [0x88] + field("X-a", "y"))]),
    ("a line break in a value", [(1, [0x88] + field("x", "y\r\nz"))]),
    ("a request's field", [(1, [0x88] + field(":path", "/"))]),
  ]

  /// Clients end the whole connection for some of these, and others' requests are on it.
  @Test("An answer of a host that is wrong ends its stream alone", arguments: unsound)
  func wrongAnswer(name: String, frames: [(kind: UInt8, payload: [UInt8])]) {
    let scene = split()
    scene.request(as: "alice")
    scene.request(as: nil, answer: 10)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.arrive(at: .way(1), most: 1 << 20)
    for frame in frames { scene.hosts[1]!.write(frame.kind, frame.kind == 1 ? 4 : 0, 5, frame.payload) }
    scene.deliver(scene.hosts[1]!, from: .way(1), most: 1 << 20)
    scene.arrive(at: .client, most: 1 << 20)
    #expect(scene.client.streams[5]!.reset == 2)
    scene.drain()
    #expect(scene.problem(7, from: scene.origin) == nil)
    #expect(!scene.isOver && scene.closed == [])
  }

  @Test("A refusal that is to be passed on ends the host's streams alone")
  func refusal() {
    let scene = ModelScene(1)
    scene.rules = ["alice": 1]
    scene.request(as: "alice")
    scene.request(as: nil, answer: 10)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.splitter.failed(1, isRefused: true)
    scene.drain()
    #expect(scene.client.streams[1]!.reset == 7)
    #expect(scene.problem(3, from: scene.origin) == nil)
  }

  @Test("DATA of a host above its window resets its streams")
  func hostAboveWindow() {
    let scene = split()
    scene.request(as: "alice")
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.arrive(at: .way(1), most: 1 << 20)
    let host = scene.hosts[1]!
    host.write(1, 4, 5, [0x88])
    for _ in 0..<40 { host.write(0, 0, 5, big(16384)) }
    scene.deliver(host, from: .way(1), most: 1 << 20)
    #expect(scene.closed == [1])
    scene.arrive(at: .client, most: 1 << 20)
    #expect(scene.client.streams[5]!.reset == 2)
  }

  @Test("A host that takes no more streams leaves them to the origin")
  func crowdedHost() {
    let scene = split()
    scene.hosts[1]!.changeSettings(window: nil, streams: 1)
    scene.deliver(scene.hosts[1]!, from: .way(1), most: 1 << 20)
    scene.request(as: "alice", body: 10)
    scene.request(as: "alice")
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.drain()
    #expect(scene.problem(5, from: scene.hosts[1]!) == nil)
    #expect(scene.problem(7, from: scene.origin) == nil)
  }

  @Test("The origin does not get the part of the client's window that hosts have used")
  func sharedWindow() {
    let scene = split()
    for _ in 0..<5 {
      scene.request(as: "alice", answer: 50_000)
      scene.request(as: nil, answer: 30_000)
      scene.drain()
      #expect(scene.client.receiveWindow == 65535)
      #expect(scene.origin.sendWindow == 65535)
    }
  }

  @Test("A host that has left is connected anew once its streams have ended")
  func leavingHost() {
    let scene = split()
    let host = scene.hosts[1]!
    host.leave(last: 3)
    scene.deliver(host, from: .way(1), most: 1 << 20)
    #expect(scene.closed == [1])
    scene.request(as: "alice", answer: 3)
    scene.drain()
    #expect(scene.allHosts.count == 2)
    #expect(scene.problem(5, from: scene.hosts[1]!) == nil)
  }

  @Test("The origin does not count the client's PINGs while hosts answer the client")
  func pings() {
    let scene = split()
    scene.drain()
    let (before, answered) = (scene.originGot.count, scene.client.pings)
    for _ in 0..<5 { scene.client.ping() }
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.drain()
    #expect(scene.originGot.count == before)
    #expect(scene.client.pings == answered + 5)
  }

  @Test("A host whose rules have ended is closed with its last stream")
  func retiredHost() {
    let scene = split()
    scene.splitter.retire(1)
    #expect(scene.closed == [1])

    let busy = split()
    busy.request(as: "alice", answer: 3)
    busy.deliver(busy.client, from: .client, most: 1 << 20)
    busy.splitter.retire(1)
    #expect(busy.closed == [])
    busy.drain()
    #expect(busy.closed == [1])
    #expect(busy.problem(5, from: busy.allHosts[0].peer) == nil)
  }

  @Test("Streams that a leaving host does not take go to the origin, if all of them is here")
  func unprocessed() {
    let scene = split()
    let host = scene.hosts[1]!
    scene.request(as: "alice", answer: 3)
    scene.request(as: nil, answer: 4)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    host.leave(last: 3)
    scene.deliver(host, from: .way(1), most: 1 << 20)
    scene.drain()
    #expect(scene.problem(5, from: scene.origin) == nil)
    #expect(scene.problem(7, from: scene.origin) == nil)
    #expect(scene.breaches == [])
  }

  // MARK: The origin

  @Test("The origin's GOAWAY does not name a host's streams, and refuses its own above them")
  func originLeaves() {
    let scene = split()
    scene.request(as: nil, body: 10)
    scene.request(as: "alice", answer: 3)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.origin.leave(last: 1)
    scene.deliver(scene.origin, from: .way(0), most: 1 << 20)
    scene.arrive(at: .client, most: 1 << 20)
    #expect(scene.client.goAway == 7)
    #expect(scene.client.streams[5]!.reset == 7)
    scene.drain()
    #expect(scene.problem(7, from: scene.hosts[1]!) == nil)
  }

  @Test("An origin that ends leaves hosts' streams to their ends")
  func originEnds() {
    let scene = split()
    scene.request(as: nil, body: 10)
    scene.request(as: "alice", answer: 3)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.splitter.ended(.way(0))
    #expect(!scene.isOver)
    scene.drain()
    #expect(scene.client.streams[5]!.reset == 2)
    #expect(scene.problem(7, from: scene.hosts[1]!) == nil)
    #expect(scene.isOver && !scene.isReset)
  }

  @Test("Without a host's stream the client's connection ends as the origin's does")
  func ends() {
    let scene = ModelScene(1)
    scene.request(as: nil)
    scene.drain()
    scene.splitter.ended(.client)
    #expect(scene.finished == [0])
    scene.splitter.ended(.way(0))
    #expect(scene.isOver && !scene.isReset)
    let reset = ModelScene(1)
    reset.splitter.failed(0)
    #expect(reset.isOver && reset.isReset)
  }

  @Test("A host that answers before the origin has sent its SETTINGS is heard behind them")
  func slowOrigin() {
    let scene = ModelScene(1)
    scene.rules = ["alice": 1]
    scene.request(as: "alice", body: 100, answer: 10)
    for id in scene.client.order { while scene.client.push(scene.client.streams[id]!, &scene.random) {} }
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.settle(1)
    scene.arrive(at: .way(1), most: 1 << 20)
    scene.answer(scene.hosts[1]!, scene.hosts[1]!.streams[1]!)
    scene.deliver(scene.hosts[1]!, from: .way(1), most: 1 << 20)
    #expect(scene.queued(for: .client) == 0)
    scene.drain()
    #expect(scene.breaches == [])
    #expect(scene.problem(1, from: scene.hosts[1]!) == nil)
  }

  @Test("A host's answer is written whole behind the origin's frame that is under way")
  func withinFrame() {
    let scene = split()
    scene.request(as: nil, answer: 5000)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.arrive(at: .way(0), most: 1 << 20)
    scene.answer(scene.origin, scene.origin.streams[5]!)
    while scene.origin.push(scene.origin.streams[5]!, &scene.random) {}
    scene.deliver(scene.origin, from: .way(0), most: scene.origin.out.count - 1000)
    scene.request(as: "alice", answer: 20)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.arrive(at: .way(1), most: 1 << 20)
    scene.answer(scene.hosts[1]!, scene.hosts[1]!.streams[7]!)
    scene.deliver(scene.hosts[1]!, from: .way(1), most: 1 << 20)
    scene.drain()
    #expect(scene.breaches == [])
    #expect(scene.problem(5, from: scene.origin) == nil)
    #expect(scene.problem(7, from: scene.hosts[1]!) == nil)
  }

  @Test("Table sizes that the client announces are met by whoever answers first")
  func tableSizes() {
    let scene = split()
    scene.client.changeSettings(window: nil, table: 0)
    scene.drain()
    scene.request(as: "alice", answer: 3)
    scene.drain()
    scene.request(as: nil, answer: 3)
    scene.request(as: "alice", answer: 3)
    scene.drain()
    #expect(scene.breaches == [])
    for id in scene.client.order.dropFirst(2) { #expect(scene.client.streams[id]!.hasEnded) }
  }

  @Test("Table sizes of a host, and of a client within an answer, are met by the next block, trailers among them")
  func tableSizesOfTrailers() {
    let scene = split()
    scene.hostWindow = 0
    scene.request(as: "alice", body: 10, answer: 3, trailers: true)
    scene.drain()
    let host = scene.hosts[1]!
    host.changeSettings(window: 65535, table: 0)
    scene.client.changeSettings(window: 0, table: 100)
    scene.drain()
    let id = scene.client.order.last!
    scene.request(as: "alice", answer: 3)
    scene.client.changeSettings(window: 65535)
    scene.drain()
    #expect(scene.breaches == [])
    for id in [id, id + 2] { #expect(scene.problem(id, from: host) == nil) }
  }

  // MARK: Leaving

  @Test("A connection that leaves sends the client away, and ends with its streams")
  func leave() {
    let scene = split()
    scene.request(as: "alice", body: 10, answer: 3)
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.splitter.leave()
    scene.request(as: "alice", answer: 4)
    scene.drain()
    #expect(scene.client.goAway == 0x7fff_ffff)
    #expect(scene.problem(5, from: scene.hosts[1]!) == nil)
    #expect(scene.problem(7, from: scene.hosts[1]!) == nil)
    #expect(!scene.isOver)
    scene.splitter.leave()
    #expect(scene.isOver && !scene.isReset)
    scene.drain()
    #expect(scene.client.goAway == 7)
  }
}
