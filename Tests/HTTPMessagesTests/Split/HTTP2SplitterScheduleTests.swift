import Testing

@testable import HTTPMessages

/// Random schedules of a client, the origin and hosts: what holds in each of them.
struct HTTP2SplitterScheduleTests {
  @Test("Without a match both directions pass byte for byte", arguments: 0..<8)
  func unmatched(seed: Int) {
    let scene = scene(seed)
    play(scene, names: [nil, "nobody"])
    scene.drain()
    #expect(scene.breaches == [])
    #expect(scene.clientSent == scene.originGot)
    #expect(scene.originSent == scene.clientGot)
    #expect(scene.routed == scene.client.order.count)
    whole(scene)
  }

  @Test("Each stream arrives whole where its rule says", arguments: 0..<12)
  func matched(seed: Int) {
    let scene = scene(seed)
    scene.rules = ["alice": 1, "bob": 2]
    play(scene, names: [nil, nil, "alice", "bob"])
    scene.drain()
    #expect(scene.breaches == [])
    whole(scene)
  }

  @Test("Requests for hosts that refuse arrive whole at the origin", arguments: 0..<20)
  func refused(seed: Int) {
    // A smaller window of the origin may not take what came before the client knew it: such a request is refused.
    let scene = scene(seed, originWindows: [nil, 140_000])
    scene.rules = ["alice": 1, "bob": 2]
    scene.fate = .refused
    play(scene, names: [nil, "alice", "bob"], originChanges: false)
    scene.drain()
    #expect(scene.breaches == [])
    for id in scene.client.order { #expect(scene.problem(id, from: scene.origin) == nil) }
    #expect(scene.requestProblems(scene.origin, way: 0) == [])
    #expect(scene.origin.order.count == scene.client.order.count)
  }

  @Test("Hosts and streams that break off take nothing else with them", arguments: 0..<12)
  func broken(seed: Int) {
    let scene = scene(seed)
    scene.rules = ["alice": 1, "bob": 2]
    for _ in 0..<8 {
      play(scene, names: [nil, "alice", "bob"], steps: 400, originChanges: false)
      disturb(scene)
    }
    scene.drain()
    #expect(scene.breaches == [])
    #expect(!scene.isOver)
    for id in scene.client.order where scene.expected[id]!.way == 0 && !scene.disturbed.contains(id) {
      #expect(scene.problem(id, from: scene.origin) == nil)
    }
    for id in scene.client.order where scene.expected[id]!.way != 0 {
      let stream = scene.client.streams[id]!
      let servers = [scene.origin] + scene.allHosts.filter { $0.way == scene.expected[id]!.way }.map(\.peer)
      let isWhole = servers.contains { scene.problem(id, from: $0) == nil }
      #expect(isWhole || stream.reset != nil, "\(id) has no end")
    }
    #expect(scene.requestProblems(scene.origin, way: 0) == [])
    for host in scene.allHosts { #expect(scene.requestProblems(host.peer, way: host.way) == []) }
  }

  /// Breaks something off.
  private func disturb(_ scene: ModelScene) {
    switch scene.random.below(6) {
    case 0: scene.fate = scene.fate == .opens ? .refused : .opens
    case 1: if let way = scene.hosts.keys.sorted().first { scene.breakHost(way) }
    case 2:
      if let host = scene.hosts.values.sorted(by: { $0.name < $1.name }).first {
        host.leave(last: host.order.last ?? 0)
      }
    case 3:
      if let id = scene.client.order.randomElement(&scene.random) {
        let stream = scene.client.streams[id]!
        guard !stream.hasEnded || !stream.hasFinished, stream.reset == nil else { return }
        scene.client.reset(stream, 8)
        scene.disturbed.insert(id)
      }
    case 4:
      let server = scene.random.pick(scene.servers).peer
      if let id = server.order.randomElement(&scene.random) {
        let stream = server.streams[id]!
        guard !stream.hasFinished || !stream.hasEnded, stream.reset == nil else { return }
        server.reset(stream, 2)
        scene.disturbed.insert(scene.clientNumber(of: stream))
      }
    default: if let host = scene.hosts.values.first { host.changeSettings(window: 100, streams: 2) }
    }
  }

  private static let windows: [Int?] = [nil, 1, 50, 3000, 140_000]

  private func scene(_ seed: Int, originWindows: [Int?] = windows) -> ModelScene {
    var random = Random(seed)
    let windows = Self.windows
    let scene = ModelScene(
      seed, clientWindow: random.pick(windows), originWindow: random.pick(originWindows),
      connection: random.pick([0, 0, 1_000_000]))
    scene.hostWindow = random.pick(windows)
    scene.client.isLazy = random.chance(50)
    scene.piece = random.pick([40, 2000, 70_000])
    return scene
  }

  private func play(_ scene: ModelScene, names: [String?], steps: Int = 3000, originChanges: Bool = true) {
    let sizes = [0, 0, 10, 1000, 40_000]
    for step in 0..<steps {
      if step % 100 == 0 {
        let small = scene.random.chance(70)
        scene.request(
          as: scene.random.pick(names), body: scene.random.pick(small ? [0, 10, 300] : sizes),
          answer: scene.random.pick(small ? [0, 10, 300] : sizes), trailers: scene.random.chance(40))
      }
      if step % 700 == 350 { scene.client.changeSettings(window: scene.random.pick([0, 20, 5000, 70_000])) }
      if originChanges, step % 900 == 450 { changeOrigin(scene, step) }
      if step % 500 == 250 { scene.client.ping() }
      scene.step()
    }
    // Bytes that are to be read have a window.
    scene.client.changeSettings(window: 65535)
  }

  /// A generous origin only gives more: less than it gave before is not passed on exactly.
  private func changeOrigin(_ scene: ModelScene, _ step: Int) {
    let isGenerous = scene.originWindow ?? 0 > 1 << 17
    scene.origin.changeSettings(window: isGenerous ? 140_000 + step * 10 : scene.random.pick([20, 5000, 70_000]))
  }

  /// Each request has come to its server, and its answer back.
  private func whole(_ scene: ModelScene) {
    for id in scene.client.order {
      let way = scene.expected[id]!.way
      let server = way == 0 ? scene.origin : scene.hosts[way]
      #expect(server.flatMap { scene.problem(id, from: $0) } == nil)
      if server == nil { Issue.record("no host \(way)") }
    }
    for server in scene.servers { #expect(scene.requestProblems(server.peer, way: server.way) == []) }
  }
}
