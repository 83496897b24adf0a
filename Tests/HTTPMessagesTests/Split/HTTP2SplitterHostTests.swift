import Testing

@testable import HTTPMessages

/// Faults and ends of hosts and of the origin, one by one.
struct HTTP2SplitterHostTests {
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
    scene.request(as: "alice")
    scene.deliver(scene.client, from: .client, most: 1 << 20)
    scene.arrive(at: .way(1), most: 1 << 20)
    let host = scene.hosts[1]!
    host.write(1, 4, 5, [0x88])
    for _ in 0..<40 { host.write(0, 0, 5, [UInt8](repeating: 0, count: 16384)) }
    scene.deliver(host, from: .way(1), most: 1 << 20)
    #expect(scene.closed == [1])
    scene.arrive(at: .client, most: 1 << 20)
    #expect(scene.client.streams[5]!.reset == 2)
  }

  @Test("A host that takes no more streams leaves them to the origin")
  func crowdedHost() {
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
    scene.splitter.retire(1)
    #expect(scene.closed == [1])

    let busy = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
    let scene = ModelScene.split()
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
