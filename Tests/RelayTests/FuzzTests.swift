import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Relay

/// Sessions whose bytes arrive in arbitrary pieces, and bytes that are no session. A failure names its seed.
@Suite struct FuzzTests {
  /// Streams from both ends, echoed, some of them reset midway: whatever the carrier's pieces are, the others lose
  /// nothing.
  @Test(arguments: 0..<6) func validSessionsSurviveAnyPieces(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let loop = EventLoop()!
    let echo = EchoServer(loop: loop)
    let (near, far) = PieceCarrier.pair(loop: loop, seed: UInt64(seed))
    let sessions = [
      Session(loop: loop, carrier: near, role: .client, pool: WindowPool()),
      Session(loop: loop, carrier: far, role: .server, pool: WindowPool()),
    ]
    for session in sessions {
      session.router = ToEcho(echo.port)
      session.start()
    }
    var whole: [(client: TestClient, payload: [UInt8])] = []
    var cut: [TestClient] = []
    for session in sessions {
      for _ in 0..<8 {
        let client = connect(session)
        let payload = (0..<Int.random(in: 0...400_000, using: &random)).map {
          UInt8(truncatingIfNeeded: $0 &* 7 &+ seed)
        }
        client.send(payload)
        if Int.random(in: 0..<4, using: &random) == 0 {
          cut.append(client)
        } else {
          client.finish()
          whole.append((client, payload))
        }
        for _ in 0..<Int.random(in: 0..<20, using: &random) { loop.turn(maximumWait: 0) }
      }
    }
    for client in cut {
      for _ in 0..<Int.random(in: 0..<200, using: &random) { loop.turn(maximumWait: 0) }
      loop.unwatch(client.fd)
      clinux_reset(client.fd)
    }
    #expect(loop.turn(seconds: 30) { whole.allSatisfy { $0.client.sawEnd || $0.client.sawReset } })
    for (client, payload) in whole {
      let isSame = client.received == payload
      #expect(isSame, "\(client.received.count) of \(payload.count) bytes, or others")
      client.close()
    }
    #expect(loop.turn { sessions.allSatisfy { $0.mux.streamCount == 0 } })
    #expect(sessions.allSatisfy { !$0.isClosed && $0.mux.pool.used == 0 })
    #expect(loop.blocks.waiting == 0)
    for session in sessions { session.close() }
    echo.close()
  }

  /// A valid session with bytes changed, left out, doubled or put in: it ends or goes on, and leaves nothing behind.
  @Test(arguments: 0..<150) func damagedSessionsEndOrGoOn(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var bytes = Self.recorded
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0..<bytes.count - 40, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.removeSubrange(place..<place + Int.random(in: 1...40, using: &random))
      case 2: bytes.insert(contentsOf: bytes[place..<place + 24], at: place)
      default: bytes.insert(contentsOf: (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
      }
    }
    feed(bytes, &random)
  }

  /// Frames that are well formed, in an order and with numbers that make no sense.
  @Test(arguments: 0..<150) func arbitraryFramesEndOrGoOn(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var bytes: [UInt8] = []
    for _ in 0..<400 {
      let kind = FrameHeader.Kind(rawValue: UInt8.random(in: 0...3, using: &random))!
      let isHuge = Int.random(in: 0..<100, using: &random) == 0
      let length =
        isHuge ? UInt32.random(in: 0...UInt32.max, using: &random) : UInt32.random(in: 0...64, using: &random)
      // Mostly new streams in order: other frames would soon end the session.
      let isNew = Int.random(in: 0..<3, using: &random) == 0 && (kind == .data || kind == .windowUpdate)
      let stream = isNew ? nextStream(&bytes) : UInt32.random(in: 0...60, using: &random)
      var flags = FrameHeader.Flags(rawValue: UInt16.random(in: 0...15, using: &random)).subtracting(.syn)
      if isNew { flags.insert(.syn) }
      var header = [UInt8](repeating: 0, count: FrameHeader.size)
      header.withUnsafeMutableBytes {
        FrameHeader(kind, flags: flags, stream: stream, length: length).write(to: $0.baseAddress!)
      }
      bytes += header
      if kind == .data, !isHuge { bytes += (0..<length).map { _ in UInt8.random(in: 0...4, using: &random) } }
    }
    feed(bytes, &random)
  }

  /// The next odd number after the highest that a SYN in `bytes` has (only `arbitraryFramesEndOrGoOn` builds them).
  private func nextStream(_ bytes: inout [UInt8]) -> UInt32 { UInt32(bytes.count | 1) }

  /// Gives the bytes to a new session in pieces, then closes it.
  private func feed(_ bytes: [UInt8], _ random: inout SeededGenerator) {
    let loop = EventLoop()!
    let carrier = RecordingCarrier(loop: loop)
    let session = Session(loop: loop, carrier: carrier, role: .server, pool: WindowPool())
    let router = Anything()
    var told: [SessionEvent] = []
    session.router = router
    session.onEvent = { told.append($0) }
    session.start()
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(Int.random(in: 1...3000, using: &random)))
      rest = rest.dropFirst(piece.count)
      piece.withUnsafeBytes { session.receive($0) }
      loop.turn(maximumWait: 0)
      if session.isClosed { router.isSilent = true }
    }
    #expect(!router.spokeAfterEnd)
    #expect(told.count == (session.isClosed ? 1 : 0), "\(told)")
    #expect(session.mux.streamCount <= session.mux.maximumStreams)
    session.close()
    #expect(loop.blocks.waiting == 0)
  }

  /// The bytes that a session with a few streams sends.
  private static let recorded: [UInt8] = {
    let loop = EventLoop()!
    let carrier = RecordingCarrier(loop: loop)
    let session = Session(loop: loop, carrier: carrier, role: .client, pool: WindowPool())
    session.start()
    for port in 1...6 {
      let end = session.open { Talker(session: session, slot: $0, port: UInt16(port)) }
      loop.turn(maximumWait: 0)
      if port.isMultiple(of: 3) { end?.abort() }
    }
    loop.turn(maximumWait: 0)
    session.close()
    return carrier.sent
  }()

  private func connect(_ session: Session) -> TestClient {
    let (listener, port) = listening()
    let client = TestClient(loop: session.loop, port: port)
    var peer = clinux_address()
    var accepted: Int32 = -1
    session.loop.turn {
      accepted = clinux_accept(listener, &peer)
      return accepted >= 0
    }
    clinux_close(listener)
    _ = session.open {
      OpenerEnd(session: session, slot: $0, fd: accepted, preamble: Preamble(.tcp, port: 7, address: [127, 0, 0, 1]))
    }
    return client
  }
}

/// A carrier in memory whose bytes arrive in pieces of arbitrary size, a turn of the loop apart.
private final class PieceCarrier: Carrier {
  private var inbox: [UInt8] = []
  private var taken = 0
  private weak var peer: PieceCarrier?
  private var random: SeededGenerator

  static func pair(loop: EventLoop, seed: UInt64) -> (PieceCarrier, PieceCarrier) {
    let near = PieceCarrier(loop: loop, seed: seed)
    let far = PieceCarrier(loop: loop, seed: ~seed)
    near.peer = far
    far.peer = near
    return (near, far)
  }

  init(loop: EventLoop, seed: UInt64) {
    random = SeededGenerator(seed: seed)
    super.init(loop: loop, headroom: 0, capacity: 100_000)
    loop.register(self)
  }

  override func send(_ count: Int) {
    isBusy = true
    guard let peer else { return }
    peer.inbox = Array(UnsafeRawBufferPointer(start: staging, count: count))
    peer.taken = 0
    loop.readAgain(peer)
  }

  override func ready(_ events: UInt32) {
    let most = [1, 11, 12, 13, 500, 30_000, 100_000].randomElement(using: &random)!
    let piece = inbox[taken..<min(inbox.count, taken + Int.random(in: 1...most, using: &random))]
    taken = piece.endIndex
    piece.withUnsafeBytes { session?.receive($0) }
    if taken < inbox.count { return loop.readAgain(self) }
    peer?.isBusy = false
    peer?.session?.pump()
  }

  override func close() {
    super.close()
    loop.unregister(self)
  }
}

/// Keeps what the session sends.
private final class RecordingCarrier: Carrier {
  var sent: [UInt8] = []

  init(loop: EventLoop) { super.init(loop: loop, headroom: 0, capacity: 64 << 10) }

  override func send(_ count: Int) { sent += UnsafeRawBufferPointer(start: staging, count: count) }
}

private final class ToEcho: StreamRouter {
  let port: UInt16
  init(_ port: UInt16) { self.port = port }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    end.connect(to: loopback(port))
    return end
  }
}

/// Takes every preamble: odd ports are refused, even ones swallow what they get.
private final class Anything: StreamRouter {
  var isSilent = false
  var spokeAfterEnd = false

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    if isSilent { spokeAfterEnd = true }
    if preamble.port.isMultiple(of: 2) { return Swallower(session: session, slot: slot) }
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    end.refuse(.notServed)
    return end
  }
}

private final class Swallower: StreamEnd {
  override func received(_ bytes: UnsafeRawBufferPointer) { session.consume(self, bytes.count) }
  override func finished() { session.release(self) }
  override func wasReset() { session.release(self) }
}

/// Says its preamble and 10,000 bytes, then ends its direction.
private final class Talker: StreamEnd {
  private var rest: [UInt8]

  init(session: Session, slot: Int, port: UInt16) {
    let preamble = Preamble(.tcp, port: port, address: [10, 0, 0, 1])
    rest = [UInt8](repeating: 0x41, count: preamble.size + 10_000)
    rest.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    super.init(session: session, slot: slot)
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(capacity, rest.count, 3000)
    guard count > 0 else { return .finished }
    rest.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    rest.removeFirst(count)
    return .bytes(count, more: true)
  }

  override func abort() { session.release(self) }
}
