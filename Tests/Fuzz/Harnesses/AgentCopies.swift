import CLinux
import HTTPMessages
import TunnelProtocol

@testable import Agent
@testable import Relay

extension Harness {
  /// Acts of a client, of the hosts that get copies of its requests, and of the carrier to them, behind a byte of
  /// options. The requests are good ones: `http1-copies` and `http2-copies` have others.
  static let agentCopies = Harness(name: "copies", maximumLength: 1024, usualLength: 64) { bytes in
    guard let options = bytes.first else { return }
    let scene = MirroredConnection(AgentInPlace.next(), Choices(Array(bytes.dropFirst())), options: options)
    try scene.play()
  }
}

/// An agent without connections: one serves many inputs.
private final class AgentInPlace {
  nonisolated(unsafe) private static var current: AgentInPlace?
  let loop: EventLoop
  let server: AgentServer
  let listener: InboundListener
  private var uses = 0
  static let copyLimit = 1500

  private init?() {
    guard let loop = EventLoop() else { return nil }
    var configuration = AgentConfiguration()
    configuration.listenAddress = clinux_address([127, 0, 0, 1], port: 0)
    configuration.nameservers = [clinux_address([127, 0, 0, 1], port: 53) ?? clinux_address()]
    configuration.copyLimit = Self.copyLimit
    guard let server = AgentServer(loop: loop, configuration: configuration),
      let listener = InboundListener(server: server, port: 0)
    else { return nil }
    (self.loop, self.server, self.listener) = (loop, server, listener)
  }

  deinit {
    listener.close()
    server.close()
  }

  /// Timers cannot be cancelled, so that a loop does not last for ever.
  static func next() -> AgentInPlace {
    if let current, current.uses < 256 {
      current.uses += 1
      return current
    }
    current = AgentInPlace()
    return current!
  }
}

/// A carrier that keeps what it is given.
private final class KeptCarrier: Carrier {
  var bytes: [UInt8] = []
  var isSlow = false

  override func send(_ count: Int) {
    bytes += UnsafeRawBufferPointer(start: staging, count: count)
    isBusy = isSlow
  }
}

/// A connection of a client, both of whose protocols are played, and two people who mirror it.
private final class MirroredConnection {
  private var choices: Choices
  private let agent: AgentInPlace
  private let isHTTP2: Bool
  private let carrier: KeptCarrier
  private let session: Session
  private let rules: [PortRules]
  private let connection: SplitConnection
  /// The requests that each wants, and their bytes, one behind the other.
  private var wanted = [0, 0]
  private var bytes: [[UInt8]] = [[], []]
  private var unanswered = 0
  /// True once the next request may not be one to the splitter.
  private var isDone = false
  private var next: UInt32 = 1
  /// The bytes that the hosts got, by the number of the stream.
  private var streams: [UInt32: [UInt8]] = [:]

  init(_ agent: AgentInPlace, _ choices: Choices, options: UInt8) {
    self.agent = agent
    self.choices = choices
    isHTTP2 = options & 1 != 0
    carrier = KeptCarrier(loop: agent.loop, headroom: 0, capacity: 4096)
    carrier.isSlow = options & 2 != 0
    session = Session(loop: agent.loop, carrier: carrier, role: .server, pool: agent.server.pool)
    let holder = HolderSession(session, of: 1)
    rules = ["copy *\nheader x-copy=*", "copy *"].enumerated().map { index, text in
      let rule = RequestRule(text: Array(text.utf8)).map { [$0] } ?? []
      return PortRules(
        way: Way(index + 1), holder: holder, rules: RuleSet(rule), count: UInt64(index + 1), passesRefusals: false)
    }
    connection = SplitConnection(listener: agent.listener, address: clinux_address())
    session.start()
    agent.listener.ruled = rules
    agent.server.connections += 1
    if isHTTP2 {
      fromClient(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0])
      fromOrigin([0, 0, 0, 4, 0, 0, 0, 0, 0])
    }
  }

  private func fromClient(_ bytes: [UInt8]) { bytes.withUnsafeBytes { connection.received($0, from: .client) } }
  private func fromOrigin(_ bytes: [UInt8]) { bytes.withUnsafeBytes { connection.received($0, from: .way(0)) } }

  func play() throws {
    while !choices.isOver, !connection.isOver, unanswered < 50 {
      let act = choices.byte()
      switch act & 7 {
      case 0, 1: request(act)
      case 2: answer()
      case 3: carry()
      case 4, 5: fromHost(act)
      case 6: if act & 8 != 0 { endRest() } else { carry() }
      default: disturb(act)
      }
      for copy in connection.copyWays {
        try promise(copy.outbox.count <= AgentInPlace.copyLimit, "\(copy.outbox.count) bytes wait for a host")
      }
    }
    try finish()
  }

  // MARK: Acts

  private func request(_ act: Int) {
    guard !isDone else { return }
    let isMarked = act & 8 != 0
    let body = [UInt8](repeating: UInt8(wanted[1] & 0x7f), count: act >> 4 * 30)
    let whole: [UInt8]
    if isHTTP2 {
      var block: [UInt8] = [0x82, 0x86, 0x84]
      if isMarked { block += [0x10, 6] + Array("x-copy".utf8) + [1, 0x61] }
      whole =
        [0, 0, UInt8(block.count), 1, 4, 0, 0, UInt8(next >> 8), UInt8(next & 255)] + block
        + [0, UInt8(body.count >> 8), UInt8(body.count & 255), 0, 1, 0, 0, UInt8(next >> 8), UInt8(next & 255)] + body
      next += 2
    } else {
      let mark = isMarked ? "X-Copy: a\r\n" : ""
      whole = Array("POST / HTTP/1.1\r\nHost: a\r\n\(mark)Content-Length: \(body.count)\r\n\r\n".utf8) + body
      unanswered += 1
    }
    for index in 0...1 where agent.listener.ruled.contains(where: { $0 === rules[index] }) && (isMarked || index == 1) {
      wanted[index] += 1
      bytes[index] += whole
    }
    var rest = whole[...]
    while !rest.isEmpty, !connection.isOver {
      let piece = rest.prefix(1 + act * 5)
      piece.withUnsafeBytes { connection.received($0, from: .client) }
      rest = rest.dropFirst(piece.count)
    }
  }

  private func answer() {
    guard !isHTTP2, unanswered > 0 else { return }
    unanswered -= 1
    fromOrigin(Array("HTTP/1.1 204 N\r\n\r\n".utf8))
  }

  /// Lets the carrier send what it can, and takes that apart.
  private func carry() {
    carrier.isBusy = false
    session.pump()
    agent.loop.turn(maximumWait: 0)
    var rest = carrier.bytes[...]
    carrier.bytes = []
    while rest.count >= FrameHeader.size {
      let header = rest.withUnsafeBytes { FrameHeader(reading: $0.baseAddress!) }
      rest = rest.dropFirst(FrameHeader.size)
      guard let header, header.kind == .data else { continue }
      streams[header.stream, default: []] += rest.prefix(Int(header.length))
      rest = rest.dropFirst(Int(header.length))
    }
  }

  /// One of the last streams to hosts.
  private func stream(_ number: Int) -> UInt32? {
    let known = streams.keys.sorted()
    return known.isEmpty ? nil : known[max(0, known.count - 1 - (number & 1))]
  }

  private func fromHost(_ act: Int) {
    guard let stream = stream(act >> 3) else { return }
    let number = choices.byte()
    switch act >> 4 {
    case 0...4: toAgent(.data, stream, [0])
    case 5: toAgent(.data, stream, [UInt8(number & 7)])
    case 6...8: toAgent(.data, stream, [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, UInt8(number)])
    case 9: toAgent(.data, stream, [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, UInt8(number), 1])
    case 10: toAgent(.data, stream, [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8])
    case 11: toAgent(.data, stream, [UInt8](repeating: UInt8(number), count: 20))
    case 12: toAgent(.data, stream, [], flags: .fin)
    case 13: toAgent(.windowUpdate, stream, [], flags: .rst)
    default: toAgent(.data, stream, [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    }
  }

  private func toAgent(_ kind: FrameHeader.Kind, _ stream: UInt32, _ payload: [UInt8], flags: FrameHeader.Flags = []) {
    guard !session.isClosed else { return }
    var bytes = [UInt8](repeating: 0, count: FrameHeader.size)
    let header = FrameHeader(kind, flags: flags, stream: stream, length: UInt32(payload.count))
    bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    bytes += payload
    bytes.withUnsafeBytes { session.receive($0) }
  }

  /// Ends the time in which a host that has refused gets nothing.
  private func endRest() { for one in rules { one.restsUntil = 0 } }

  private func disturb(_ act: Int) {
    switch act >> 3 {
    case 0: for copy in connection.copyWays { copy.timerFired(0) }
    case 1: connection.retire(1)
    case 2:
      isDone = !isHTTP2
      connection.leave()
    case 3: session.close()
    case 4:
      agent.listener.ruled.removeAll { $0 === rules[0] }
      connection.retire(1)
    case 5:
      isDone = true
      connection.ended(.client)
    case 6: connection.abort()
    case 7:
      guard !isHTTP2 else { return }
      isDone = true
      fromOrigin(Array("HTTP/1.1 101 S\r\n\r\n".utf8))
    default: carrier.isSlow.toggle()
    }
  }

  // MARK: Promises

  private func finish() throws {
    carrier.isSlow = false
    carry()
    connection.abort()
    carry()
    session.close()
    agent.loop.turn(maximumWait: 0)
    for (index, one) in rules.enumerated() {
      try promise(
        one.copied + one.lost == wanted[index],
        "\(one.copied) are copied and \(one.lost) lost of \(wanted[index]) requests")
    }
    try promise(connection.copyWays.isEmpty, "a stream of copies outlives its connection")
    try promise(
      agent.server.holdCopies(AgentInPlace.copyLimit) && agent.server.holdCopies(-AgentInPlace.copyLimit),
      "bytes of copies are never given back")
    try promise(agent.loop.blocks.held == 0 && agent.loop.blocks.waiting == 0, "blocks are never given back")
    agent.listener.ruled = []
    try checkStreams()
  }

  private func checkStreams() throws {
    let preamble = Preamble(.inbound, port: 0, address: clinux_address().byteArray).size
    for got in streams.values where got.count > preamble {
      let copy = Array(got.dropFirst(preamble))
      if isHTTP2 {
        let host = CopyHost(1, limit: .max)
        _ = copy[..<Self.wholeFrames(copy)].withUnsafeBytes { host.take($0) }
        if let broken = host.broken { throw BrokenPromise(description: "a host gets \(broken)") }
      } else {
        try promise(bytes.contains { Self.holds($0, copy) }, "a host gets other bytes")
      }
    }
  }

  /// Returns the end of the last frame that is whole.
  private static func wholeFrames(_ bytes: [UInt8]) -> Int {
    var end = min(24, bytes.count)
    while bytes.count - end >= 9 {
      let size = Int(bytes[end]) << 16 | Int(bytes[end + 1]) << 8 | Int(bytes[end + 2])
      guard bytes.count - end - 9 >= size else { break }
      end += 9 + size
    }
    return end
  }

  /// Checks if a run of bytes has another one that begins with a request.
  private static func holds(_ all: [UInt8], _ part: [UInt8]) -> Bool {
    guard part.count <= all.count else { return false }
    for start in 0...(all.count - part.count) where all[start] == 0x50 && all[start...].starts(with: part) {
      return true
    }
    return false
  }
}
