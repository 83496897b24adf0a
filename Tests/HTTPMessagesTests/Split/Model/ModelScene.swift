import Testing

@testable import HTTPMessages

/// A splitter between a client, the origin and hosts, with a network that delivers as a seed says.
final class ModelScene: SplitDriver {
  enum Fate { case opens, refused }
  struct Expected {
    var fields: [String]
    var body: [UInt8]
    var trailers: [String]?
    var way: Way
    var answerSize: Int
    var hasTrailers: Bool
  }

  var random: Random
  private(set) var splitter: HTTP2Splitter!
  let client: ModelPeer
  let origin: ModelPeer
  var hosts: [Way: ModelPeer] = [:]
  /// All hosts that ever were, the last one of a way last.
  var allHosts: [(way: Way, peer: ModelPeer)] = []
  var opening: [Way] = []
  var fate = Fate.opens
  /// Names of header values, and the ways of their requests.
  var rules: [String: Way] = [:]
  var hostWindow: Int?
  let originWindow: Int?
  private var queues: [Way: [UInt8]] = [:]
  private var toClient: [UInt8] = []
  var expected: [UInt32: Expected] = [:]
  var routed = 0
  var isOver = false
  var isReset = false
  var closed: [Way] = []
  var finished: [Way] = []
  /// All bytes of each direction, to be compared.
  var clientSent: [UInt8] = []
  var originGot: [UInt8] = []
  var originSent: [UInt8] = []
  var clientGot: [UInt8] = []
  var piece = 2000
  /// Streams that an end has reset.
  var disturbed: Set<UInt32> = []

  /// A scene whose client has one answered request at the host.
  static func split() -> ModelScene {
    let scene = ModelScene(1)
    scene.rules = ["alice": 1, "bob": 2]
    scene.request(as: nil)
    scene.request(as: "alice", answer: 10)
    scene.drain()
    return scene
  }

  init(_ seed: Int, clientWindow: Int? = nil, originWindow: Int? = nil, connection: Int = 0) {
    random = Random(seed)
    self.originWindow = originWindow
    client = ModelPeer(isClient: true, name: "client", window: clientWindow, connection: connection)
    origin = ModelPeer(isClient: false, name: "way 0", window: originWindow)
    super.init()
    splitter = HTTP2Splitter(driver: self)
  }

  // MARK: SplitDriver

  override func route(_ request: borrowing RequestHead) -> Way {
    routed += 1
    for (value, way) in rules {
      for field in request.fields where request.has(field.name, Array("x-devtunnel".utf8)) {
        if request.has(field.value, Array(value.utf8)) { return way }
      }
    }
    return 0
  }

  override func open(_ way: Way) {
    opening.append(way)
    queues[way] = []
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    switch side {
    case .client: toClient += bytes
    case .way(let way): queues[way, default: []] += bytes
    }
  }

  override func finishSending(to side: SplitSide) { if case .way(let way) = side { finished.append(way) } }

  override func close(_ way: Way, reset: Bool) {
    closed.append(way)
    hosts[way] = nil
    opening.removeAll { $0 == way }
    queues[way] = nil
  }

  override func end(reset: Bool) {
    isOver = true
    isReset = reset
  }

  // MARK: Copies

  /// Values of `x-devtunnel` whose requests are copied, and their hosts.
  var copyRules: [String: [Way]] = [:]
  var copyHosts: [Way: ModelPeer] = [:]
  var copyWindow: Int?
  /// The most bytes on the way to a host.
  var copyLimit = Int.max
  private var copyQueues: [Way: [UInt8]] = [:]
  /// Requests whose copies were begun, and lost.
  private(set) var copiesBegun: [Way: Int] = [:]
  private(set) var copiesLost: [Way: Int] = [:]
  private(set) var heldCopies = 0

  override var copiesRequests: Bool { !copyRules.isEmpty }

  override func copies(of request: borrowing RequestHead) -> [Way] {
    var ways: [Way] = []
    for (value, hosts) in copyRules {
      for field in request.fields where request.has(field.name, Array("x-devtunnel".utf8)) {
        if request.has(field.value, Array(value.utf8)) { ways = hosts }
      }
    }
    for way in ways {
      copiesBegun[way, default: 0] += 1
      guard copyHosts[way] == nil else { continue }
      copyHosts[way] = ModelPeer(isClient: false, name: "copy \(way)", window: copyWindow)
      copyQueues[way] = []
    }
    return ways
  }

  override func copy(_ bytes: UnsafeRawBufferPointer, to way: Way) -> Bool {
    guard copyHosts[way] != nil, copyQueues[way]!.count + bytes.count <= copyLimit else {
      copyHosts[way] = nil
      return false
    }
    copyQueues[way]! += bytes
    return true
  }

  override func copyIsLost(of way: Way) { copiesLost[way, default: 0] += 1 }
  override func closeCopy(_ way: Way, reset: Bool) { copyHosts[way] = nil }

  override func holdCopies(_ count: Int) -> Bool {
    heldCopies += count
    return true
  }

  /// Lets bytes of copies, and of their answers, arrive. Returns true if there were some.
  @discardableResult func deliverCopies(most: Int) -> Bool {
    var hasMoved = false
    for (way, peer) in copyHosts.sorted(by: { $0.key < $1.key }) {
      let bytes = Array(copyQueues[way]!.prefix(most))
      copyQueues[way]!.removeFirst(bytes.count)
      peer.receive(bytes)
      for id in peer.order {
        answer(peer, peer.streams[id]!)
        if peer.push(peer.streams[id]!, &random) { hasMoved = true }
        if peer.read(peer.streams[id]!, 1 << 20) { hasMoved = true }
      }
      let back = Array(peer.out.prefix(most))
      peer.out.removeFirst(back.count)
      back.withUnsafeBytes { splitter.received($0, ofCopy: way) }
      if !bytes.isEmpty || !back.isEmpty { hasMoved = true }
    }
    return hasMoved
  }

  /// Ends the connection of copies.
  func breakCopies(_ way: Way) {
    guard copyHosts.removeValue(forKey: way) != nil else { return }
    splitter.copyEnded(way)
  }

  /// True if the origin's connection takes nothing more.
  var isOriginFull = false

  override func queued(for side: SplitSide) -> Int {
    switch side {
    case .way(0) where isOriginFull: 4 << 20
    case .client: toClient.count
    case .way(let way): queues[way]?.count ?? 0
    }
  }

  /// The bytes that the origin has got, and those on their way to it.
  var originBytes: [UInt8] { originGot + (queues[0] ?? []) }

  // MARK: Requests

  func request(as name: String?, body: Int = 0, answer: Int = 0, trailers: Bool = false) {
    let number = client.order.count
    var fields = [
      ":method: \(body > 0 ? "POST" : "GET")", ":scheme: http", ":path: /r/\(number % 7)?size=\(answer)",
      ":authority: shop", "user-agent: model", "authorization: \(number)", "x-size: \(answer)",
    ]
    if trailers { fields.append("te: trailers") }
    if let name { fields.append("x-devtunnel: \(name)") }
    if random.chance(5) { fields.append("x-long: " + String(repeating: "l", count: 20000)) }
    let bytes = Self.pattern(number, body)
    let last = trailers && body > 0 ? ["x-end: \(number)"] : nil
    let stream = client.request(fields, body: bytes, trailers: last, &random)
    expected[stream.id] = Expected(
      fields: fields, body: bytes, trailers: last, way: name.flatMap { rules[$0] } ?? 0, answerSize: answer,
      hasTrailers: trailers)
  }

  static func pattern(_ seed: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &* 17 &+ $0 >> 8) }
  }

  /// Answers a request as each server does: by what the request asks for.
  func answer(_ server: ModelPeer, _ stream: ModelStream) {
    guard let fields = stream.blocks.first, !stream.hasHead, stream.reset == nil else { return }
    let size = fields.first { $0.hasPrefix("x-size: ") }.flatMap { Int($0.dropFirst(8)) } ?? 0
    let hasTrailers = fields.contains("te: trailers")
    server.answer(
      stream, [":status: 200", "server: \(server.name)", "x-answer: \(size)"], body: Self.pattern(size, size),
      trailers: hasTrailers ? ["grpc-status: 0", "x-from: \(server.name)"] : nil, &random)
  }

  // MARK: Network

  @discardableResult func deliver(_ peer: ModelPeer, from side: SplitSide, most: Int) -> Bool {
    guard !isOver, !peer.out.isEmpty, splitter.mayRead(from: side) else { return false }
    let bytes = Array(peer.out.prefix(most))
    peer.out.removeFirst(bytes.count)
    if side == .client { clientSent += bytes }
    if side == .way(0) { originSent += bytes }
    bytes.withUnsafeBytes { splitter.received($0, from: side) }
    return true
  }

  @discardableResult func arrive(at side: SplitSide, most: Int) -> Bool {
    switch side {
    case .client:
      guard !toClient.isEmpty else { return false }
      let bytes = Array(toClient.prefix(most))
      toClient.removeFirst(bytes.count)
      clientGot += bytes
      client.receive(bytes)
    case .way(let way):
      guard let queue = queues[way], !queue.isEmpty, let peer = way == 0 ? origin : hosts[way] else { return false }
      let bytes = Array(queue.prefix(most))
      queues[way]!.removeFirst(bytes.count)
      if way == 0 { originGot += bytes }
      peer.receive(bytes)
    }
    return true
  }

  @discardableResult func settle(_ way: Way) -> Bool {
    guard opening.contains(way) else { return false }
    opening.removeAll { $0 == way }
    if fate == .refused {
      queues[way] = nil
      splitter.failed(way)
    } else {
      let peer = ModelPeer(isClient: false, name: "host \(way)", window: hostWindow)
      hosts[way] = peer
      allHosts.append((way, peer))
      splitter.opened(way)
    }
    return true
  }

  /// Ends a host's connection after some of what it had sent.
  func breakHost(_ way: Way) {
    guard hosts.removeValue(forKey: way) != nil else { return }
    queues[way] = nil
    if random.chance(50) { splitter.failed(way) } else { splitter.ended(.way(way)) }
  }

  var servers: [(way: Way, peer: ModelPeer)] { [(0, origin)] + hosts.sorted { $0.key < $1.key }.map { ($0, $1) } }

  /// Lets one thing happen.
  func step() {
    let most = random.chance(20) ? 1 + random.below(12) : 1 + random.below(piece)
    if !copyHosts.isEmpty, random.chance(15) { deliverCopies(most: most) }
    switch random.below(10) {
    case 0: deliver(client, from: .client, most: most)
    case 1: arrive(at: .client, most: most)
    case 2:
      let server = random.pick(servers)
      deliver(server.peer, from: .way(server.way), most: most)
    case 3: arrive(at: .way(random.pick(servers).way), most: most)
    case 4: if let way = opening.first, random.chance(30) { settle(way) }
    case 5: if let id = client.order.randomElement(&random) { client.push(client.streams[id]!, &random) }
    case 6:
      if let id = client.order.randomElement(&random) {
        client.read(client.streams[id]!, 1 + random.below(random.chance(50) ? 100_000 : 50))
      }
    case 7:
      let server = random.pick(servers).peer
      if let id = server.order.randomElement(&random) { answer(server, server.streams[id]!) }
    case 8:
      let server = random.pick(servers).peer
      if let id = server.order.randomElement(&random) { server.push(server.streams[id]!, &random) }
    default:
      let server = random.pick(servers).peer
      if let id = server.order.randomElement(&random) { server.read(server.streams[id]!, 1 + random.below(100_000)) }
    }
  }

  /// Lets the client's bytes arrive, and those of copies.
  func drainToServers() {
    while deliver(client, from: .client, most: 1 << 20) {}
    while arrive(at: .way(0), most: 1 << 20) {}
    deliverCopies(most: 1 << 20)
  }

  /// Lets all happen that can.
  func drain() {
    var isMoving = true
    var rounds = 0
    while isMoving, rounds < 100_000 {
      rounds += 1
      isMoving = false
      func note(_ moved: Bool) { if moved { isMoving = true } }
      note(deliver(client, from: .client, most: 1 << 20))
      while let way = opening.first { note(settle(way)) }
      for server in servers {
        note(arrive(at: .way(server.way), most: 1 << 20))
        for id in server.peer.order {
          answer(server.peer, server.peer.streams[id]!)
          note(server.peer.push(server.peer.streams[id]!, &random))
          note(server.peer.read(server.peer.streams[id]!, 1 << 20))
        }
        note(deliver(server.peer, from: .way(server.way), most: 1 << 20))
      }
      note(arrive(at: .client, most: 1 << 20))
      note(deliverCopies(most: 1 << 20))
      for id in client.order {
        note(client.push(client.streams[id]!, &random))
        note(client.read(client.streams[id]!, 1 << 20))
      }
    }
  }

  // MARK: Checks

  var breaches: [String] { client.breaches + origin.breaches + allHosts.flatMap(\.peer.breaches) }

  /// Returns what is wrong with the answer to a request; nil if it came whole from the server.
  func problem(_ id: UInt32, from server: ModelPeer) -> String? {
    let (stream, expected) = (client.streams[id]!, expected[id]!)
    if let code = stream.reset { return "\(id) was reset with \(code)" }
    guard stream.hasEnded else { return "\(id) has no end" }
    var blocks = stream.blocks
    if blocks.first?.first == ":status: 103" { blocks.removeFirst() }
    guard blocks.first == [":status: 200", "server: \(server.name)", "x-answer: \(expected.answerSize)"] else {
      return "\(id) was answered \(blocks)"
    }
    if stream.body != Self.pattern(expected.answerSize, expected.answerSize) { return "\(id) has another body" }
    let trailers = blocks.dropFirst()
    let wanted = expected.hasTrailers ? [["grpc-status: 0", "x-from: \(server.name)"]] : []
    return Array(trailers) == wanted ? nil : "\(id) has trailers \(trailers)"
  }

  /// Returns the client's number of a server's stream: late ones have another number at the origin.
  func clientNumber(of stream: ModelStream) -> UInt32 {
    let mark = stream.blocks.first?.first { $0.hasPrefix("authorization: ") }
    return expected.first { _, wanted in mark.map(wanted.fields.contains) ?? false }?.key ?? stream.id
  }

  /// Returns what is wrong with the requests that a server got.
  func requestProblems(_ server: ModelPeer, way: Way) -> [String] {
    server.order.compactMap { number in
      let stream = server.streams[number]!
      guard stream.reset == nil else { return nil }
      let key = "authorization: "
      let mine = expected.values.first { wanted in
        wanted.fields.contains { $0.hasPrefix(key) && stream.blocks[0].contains($0) }
      }
      guard let mine else { return "\(server.name): \(number) was never sent" }
      if stream.blocks[0] != mine.fields { return "\(server.name): \(number) has other fields" }
      if stream.hasEnded, stream.body != mine.body { return "\(server.name): \(number) has another body" }
      if stream.hasEnded, Array(stream.blocks.dropFirst()) != [mine.trailers].compactMap({ $0 }) {
        return "\(server.name): \(number) has other trailers"
      }
      if way != 0, mine.way != way { return "\(server.name): \(number) is not its own" }
      return nil
    }
  }
}

extension Array {
  func randomElement(_ random: inout Random) -> Element? { isEmpty ? nil : self[random.below(count)] }
}
