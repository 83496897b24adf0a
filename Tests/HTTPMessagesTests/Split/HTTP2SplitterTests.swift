import Testing

@testable import HTTPMessages

/// Faults of a client, and bounds, one by one.
struct HTTP2SplitterTests {
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
    scene.client.write(1, 1, 5, [0x82])
    scene.client.ping()
    scene.drain()
    #expect(scene.client.goAwayCode == 1)
  }

  // MARK: Floods

  @Test("A block of endless CONTINUATION frames ends the connection")
  func continuations() {
    let scene = ModelScene.split()
    scene.client.write(1, 1, 5, [0x82])
    for _ in 0..<20_000 { scene.client.write(9, 0, 5, []) }
    scene.drain()
    #expect(scene.isOver)
    #expect(scene.client.goAwayCode == 11)
  }

  @Test("Settings that nobody acknowledges end the connection")
  func settings() {
    let scene = ModelScene.split()
    for _ in 0..<300 { scene.client.changeSettings(window: 1000) }
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    #expect(scene.isOver)
  }

  @Test("Streams that are opened and reset at once leave nothing behind")
  func rapidReset() {
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
}
