import Testing

@testable import HTTPMessages

/// Copies of requests of HTTP/2, whichever way the originals go.
struct HTTP2CopiesTests {
  private static let windows: [Int?] = [nil, 1, 50, 3000, 140_000]

  private func scene(_ seed: Int) -> ModelScene {
    var random = Random(seed)
    let scene = ModelScene(
      seed, clientWindow: random.pick(Self.windows), originWindow: random.pick(Self.windows),
      connection: random.pick([0, 1_000_000]))
    scene.hostWindow = random.pick(Self.windows)
    scene.copyWindow = random.pick(Self.windows)
    scene.client.isLazy = random.chance(50)
    scene.piece = random.pick([40, 2000, 70_000])
    return scene
  }

  private func play(_ scene: ModelScene, _ names: [String?], rounds: Int = 20, disturbs: Bool = false) {
    for _ in 0..<rounds {
      scene.request(
        as: scene.random.pick(names), body: scene.random.pick([0, 10, 300, 1000]),
        answer: scene.random.pick([0, 10, 300, 1000]), trailers: scene.random.chance(40))
      for _ in 0..<60 { scene.step() }
      if disturbs, scene.random.chance(20), let id = scene.client.order.randomElement(&scene.random) {
        let stream = scene.client.streams[id]!
        guard !stream.hasEnded || !stream.hasFinished, stream.reset == nil else { continue }
        scene.client.reset(stream, 8)
        scene.disturbed.insert(id)
      }
    }
  }

  /// Checks that hosts have a whole copy of each request that they want, of no other, and no end that is none.
  private func check(_ scene: ModelScene) {
    #expect(scene.breaches == [] && scene.copyHosts.values.flatMap(\.breaches) == [])
    for (way, peer) in scene.copyHosts {
      let wanted = scene.expected.filter { id, one in
        scene.copyRules.contains { name, ways in ways.contains(way) && one.fields.contains("x-devtunnel: \(name)") }
      }
      #expect(Set(peer.order) == Set(wanted.keys))
      for (id, one) in wanted where !scene.disturbed.contains(id) {
        let stream = peer.streams[id]!
        #expect(stream.blocks == [one.fields] + [one.trailers].compactMap { $0 })
        let isSame = stream.body == one.body
        #expect(isSame && stream.hasEnded && stream.reset == nil)
      }
      for id in scene.disturbed where wanted[id] != nil {
        let stream = peer.streams[id]!
        #expect(stream.reset != nil || stream.hasEnded, "\(id) hangs")
      }
    }
    #expect(scene.heldCopies == 0)
  }

  @Test("While all passes byte for byte, copies are whole", arguments: 0..<6)
  func passing(seed: Int) {
    let scene = scene(seed)
    scene.copyRules = ["carol": [11], "dave": [11, 12]]
    play(scene, [nil, "carol", "dave", "nobody"])
    scene.drain()
    check(scene)
    #expect(scene.clientSent == scene.originGot && scene.originSent == scene.clientGot)
    #expect(scene.copiesLost.isEmpty)
  }

  @Test("Copies of what goes to hosts, and to the origin beside them", arguments: 0..<6)
  func splitting(seed: Int) {
    let scene = scene(seed)
    scene.rules = ["alice": 1, "dave": 2]
    scene.copyRules = ["carol": [11], "dave": [11, 12], "alice": [12]]
    play(scene, [nil, "alice", "carol", "dave"])
    scene.drain()
    check(scene)
    for id in scene.client.order {
      let way = scene.expected[id]!.way
      #expect(scene.problem(id, from: way == 0 ? scene.origin : scene.hosts[way]!) == nil)
    }
  }

  @Test("A request that is reset is reset in its copies", arguments: 0..<6)
  func resets(seed: Int) {
    let scene = scene(seed)
    scene.rules = ["alice": 1]
    scene.copyRules = ["carol": [11], "alice": [12]]
    play(scene, [nil, "alice", "carol"], disturbs: true)
    scene.drain()
    check(scene)
  }

  @Test("A host that takes nothing costs a bounded number of bytes, and nobody else's requests", arguments: 0..<2)
  func takesNothing(seed: Int) {
    let scene = scene(seed)
    scene.copyRules = ["carol": [11]]
    scene.copyWindow = 0
    for _ in 0..<12 { scene.request(as: "carol", body: 100_000, answer: 10) }
    scene.drain()
    #expect(scene.heldCopies <= HTTP2Copy.holdLimit && scene.splitter.heldBytes <= HTTP2Copy.holdLimit + 65536)
    #expect(scene.copiesLost[11]! >= 9 && scene.breaches == [])
    for id in scene.client.order { #expect(scene.problem(id, from: scene.origin) == nil) }
    scene.splitter.copyEnded(11)
    #expect(scene.heldCopies == 0)
  }

  @Test("A connection that does not take more, or that ends, is over, and the next request begins another one")
  func overflow() {
    let scene = ModelScene(1)
    scene.copyRules = ["carol": [11]]
    scene.copyLimit = 2000
    scene.request(as: "carol", body: 50_000)
    scene.drain()
    #expect(scene.copyHosts.isEmpty)
    scene.request(as: "carol", body: 10)
    scene.drain()
    #expect(scene.copyHosts[11]?.order == [3] && scene.copyHosts[11]?.breaches == [])
    scene.breakCopies(11)
    scene.request(as: "carol", body: 10)
    scene.drain()
    #expect(scene.copyHosts[11]?.order == [5] && scene.heldCopies == 0)
    #expect(scene.copyHosts[11]?.streams[5]?.hasEnded == true)
  }

  @Test("A host's limits hold: few streams, a small table, GOAWAY, and no sense at all")
  func limits() {
    let scene = ModelScene(1)
    scene.copyRules = ["carol": [11]]
    scene.request(as: "carol", body: 10)
    scene.drain()
    scene.copyHosts[11]!.changeSettings(window: nil, table: 100, streams: 1)
    scene.deliverCopies(most: 1 << 20)
    for _ in 0..<3 { scene.request(as: "carol", answer: 10) }
    while scene.deliver(scene.client, from: .client, most: 1 << 20) {}
    #expect(scene.copiesLost[11] == 2)
    scene.drain()
    #expect(scene.copyHosts[11]?.breaches == [] && scene.copyHosts[11]?.order == [1, 3])
    scene.copyHosts[11]!.leave(last: 3)
    scene.drain()
    #expect(scene.copyHosts.isEmpty)
    scene.request(as: "carol")
    scene.drain()
    scene.copyHosts[11]!.out = [0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]
    scene.drain()
    #expect(scene.copyHosts.isEmpty)
    scene.request(as: "carol")
    scene.drain()
    #expect(scene.copyHosts[11]?.order.count == 1 && scene.breaches == [])
    for id in scene.client.order { #expect(scene.problem(id, from: scene.origin) == nil) }
  }

  // MARK: Requests that have no whole copy

  /// A request whose body is still to come, and its number.
  private func begun(_ scene: ModelScene) -> UInt32 {
    scene.copyRules = ["carol": [11]]
    scene.request(as: "carol", body: 5)
    scene.drainToServers()
    return scene.client.order.last!
  }

  @Test("DATA with wrong padding ends its copy, and no padding is taken for DATA", arguments: [1, 7, 1000], [0, 1])
  func wrongPadding(piece: Int, flag: UInt8) {
    for payload in [[], [3, 1, 2, 3], [200] + [UInt8](repeating: 0, count: 150)] as [[UInt8]] {
      let scene = ModelScene(1)
      let id = begun(scene)
      scene.client.write(0, 8 | flag, id, payload)
      while scene.deliver(scene.client, from: .client, most: piece) {}
      scene.deliverCopies(most: 1 << 20)
      let isWrong = payload.first.map { Int($0) >= payload.count } ?? true
      let stream = scene.copyHosts[11]!.streams[id]!
      #expect(isWrong ? stream.reset != nil && !stream.hasEnded : stream.reset == nil, "\(payload.count)")
      #expect(stream.body == [] && scene.copiesLost[11] == (isWrong ? 1 : nil))
      #expect(scene.copyHosts[11]!.breaches == [])
    }
  }

  @Test("Trailers that are too long, and a block that is not the last, end a copy")
  func wrongTrailers() {
    let long = (0..<20).map { "x-\($0): " + String(repeating: "l", count: 4000) }
    for (fields, isLast) in [(long, true), (["x-more: 1"], false)] {
      let scene = ModelScene(1)
      let id = begun(scene)
      scene.client.head(fields, stream: id, isLast: isLast, &scene.random)
      while scene.deliver(scene.client, from: .client, most: 1 << 20) {}
      scene.deliverCopies(most: 1 << 20)
      let stream = scene.copyHosts[11]!.streams[id]!
      #expect(stream.reset != nil && !stream.hasEnded && scene.copiesLost[11] == 1)
      #expect(stream.blocks.count == 1 && scene.copyHosts[11]!.breaches == [])
    }
  }

  @Test("A request that is refused, since the origin takes no more, is reset in its copies")
  func refused() {
    let scene = ModelScene(1)
    scene.rules = ["alice": 1]
    scene.request(as: "alice", answer: 1)
    scene.drain()
    scene.isOriginFull = true
    scene.copyRules = ["carol": [11]]
    scene.request(as: "carol", body: 5)
    let bytes = scene.client.out
    scene.client.out = []
    bytes.withUnsafeBytes { scene.splitter.received($0, from: .client) }
    scene.deliverCopies(most: 1 << 20)
    #expect(scene.copyHosts[11]!.streams[3]!.reset != nil)
  }

  @Test("A host's smaller table is met by the next block, trailers among them")
  func tableOfTrailers() {
    let scene = ModelScene(1)
    scene.copyRules = ["carol": [11]]
    scene.copyWindow = 0
    scene.request(as: "carol", body: 5, trailers: true)
    scene.drain()
    scene.copyHosts[11]!.changeSettings(window: 65535, table: 0)
    scene.drain()
    #expect(scene.copyHosts[11]!.breaches == [])
    #expect(scene.copyHosts[11]!.streams[1]!.hasEnded)
  }

  @Test("A stream is found by its number among many, in whatever order others end")
  func manyStreams() {
    final class Stream: HTTP2Numbered {
      let id: UInt32
      init(_ id: UInt32) { self.id = id }
    }
    var random = Random(1)
    var streams = HTTP2Streams<Stream>()
    var left: Set<UInt32> = []
    for number in 0..<500 as Range<UInt32> {
      streams.add(Stream(4 * number + 1))
      left.insert(4 * number + 1)
    }
    while let id = left.sorted().randomElement(&random) {
      #expect(streams.find(id)?.id == id && streams.find(id + 2) == nil && streams.count == left.count)
      streams.remove(id + 2)
      streams.remove(id)
      left.remove(id)
      #expect(streams.find(id) == nil)
    }
    #expect(streams.all.isEmpty)
  }
}
