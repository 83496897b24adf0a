import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// The session's events for its owner.
public enum SessionEvent: Sendable, Equatable {
  /// The hello is over: streams may be opened.
  case opened
  /// The peer refused the hello.
  case refused(HelloReply.Verdict, version: UInt16)
  case carrierEnded(CarrierEnding)
  case violation(YamuxSession.Violation)
  /// Nothing was heard for `Session.silenceLimit`.
  case silent
  /// The peer was heard again after a silence.
  case heardAgain
}

/// Carries the streams of one carrier: events of the state machine to the stream ends, their bytes into the carrier.
///
/// Received: carrier → `receive` → yamux → `StreamEnd.received`. Sent: `StreamEnd.produce` → behind a yamux header in
/// the carrier's staging buffer → `Carrier.send`.
open class Session: Handler {
  public let loop: EventLoop
  public let carrier: Carrier
  public let mux: YamuxSession
  /// Routes streams that the peer opens; without one they are reset.
  public var router: StreamRouter?
  public var onEvent: ((SessionEvent) -> Void)?
  /// True once the hello is over.
  public private(set) var isOpen: Bool
  public private(set) var isClosed = false
  /// True while the peer has been silent for `silenceLimit`.
  public private(set) var isSilent = false
  /// Payload of frames, bytes.
  public private(set) var sentBytes: UInt64 = 0
  public private(set) var receivedBytes: UInt64 = 0

  /// The time between pings, µs.
  public static let pingInterval: UInt64 = 2_000_000
  /// The time that a deferred frame waits for company, µs.
  static let deferLimit: UInt64 = 2_000
  private enum Timer { static let ping: UInt8 = 0, deferred: UInt8 = 1 }
  private var deferredScheduled = false
  /// Silence after which the peer counts as gone, though it may come back (a sleeping laptop sends no FIN).
  public static let silenceLimit: UInt64 = 5_000_000
  /// The limit of one stream's frame in the staging buffer.
  static let maximumFrame = 64 << 10

  private var ends: [StreamEnd?] = []
  private var ring: [StreamEnd] = []
  private var ringHead = 0
  private var greeting: [UInt8]
  private var replyBytes: [UInt8] = []

  /// A session whose hello is over (the agent's side, tests).
  public init(loop: EventLoop, carrier: Carrier, role: YamuxSession.Role, pool: WindowPool) {
    self.loop = loop
    self.carrier = carrier
    mux = YamuxSession(role: role, pool: pool, now: loop.now)
    isOpen = true
    greeting = []
    super.init()
  }

  /// A session that says hello first (the daemon's side).
  public init(loop: EventLoop, carrier: Carrier, hello: Hello, pool: WindowPool) {
    self.loop = loop
    self.carrier = carrier
    mux = YamuxSession(role: .client, pool: pool, now: loop.now)
    isOpen = false
    greeting = [UInt8](repeating: 0, count: Hello.size)
    greeting.withUnsafeMutableBytes { hello.write(to: $0.baseAddress!) }
    super.init()
  }

  public func start() {
    carrier.session = self
    loop.register(self)
    carrier.start()
    if isOpen { mux.ping(now: loop.now) }
    loop.schedule(self, after: Self.pingInterval, kind: Timer.ping)
    loop.atTurnEnd(self)
  }

  // MARK: In

  /// Takes bytes of the carrier, in order.
  public func receive(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    if !isOpen && !takeReply(&rest) { return }
    if isSilent, !rest.isEmpty {
      isSilent = false
      onEvent?(.heardAgain)
    }
    while !isClosed, let event = mux.next(&rest, now: loop.now) { handle(event) }
    if mux.hasControl { loop.atTurnEnd(self) }
    scheduleDeferred()
  }

  private func scheduleDeferred() {
    guard mux.hasDeferred, !deferredScheduled else { return }
    deferredScheduled = true
    loop.schedule(self, after: Self.deferLimit, kind: Timer.deferred)
  }

  private func handle(_ event: YamuxSession.Event) {
    switch event {
    case .opened(let slot):
      if router != nil { attach(PreambleReader(session: self, slot: slot)) } else { mux.release(slot) }
    case .data(let slot, let bytes):
      receivedBytes += UInt64(bytes.count)
      if let end = end(slot) { end.received(bytes) } else { mux.consume(slot, bytes.count, now: loop.now) }
    case .finished(let slot): end(slot)?.finished()
    case .reset(let slot): end(slot)?.wasReset()
    case .credit(let slot): if let end = end(slot) { wantsToSend(end) }
    case .goAway: break
    case .failed(let violation):
      pump()  // the go-away
      close(.violation(violation))
    }
  }

  /// Takes the agent's answer to the hello. Returns true once it is complete and welcoming.
  private func takeReply(_ bytes: inout UnsafeRawBufferPointer) -> Bool {
    while replyBytes.count < HelloReply.size, let byte = bytes.first {
      replyBytes.append(byte)
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1...])
    }
    guard replyBytes.count == HelloReply.size else { return false }
    guard let reply = replyBytes.withUnsafeBytes({ HelloReply(reading: $0.baseAddress!) }) else {
      close(.carrierEnded(.malformed))
      return false
    }
    guard reply.verdict == .welcome else {
      close(.refused(reply.verdict, version: reply.version))
      return false
    }
    isOpen = true
    mux.ping(now: loop.now)
    onEvent?(.opened)
    loop.atTurnEnd(self)
    return true
  }

  // MARK: Streams

  /// Opens a stream whose end `make` builds for its slot. Nil if the session takes no more.
  public func open(_ make: (Int) -> StreamEnd) -> StreamEnd? {
    guard isOpen, !isClosed, let slot = mux.open(now: loop.now) else { return nil }
    let end = make(slot)
    attach(end)
    wantsToSend(end)
    return end
  }

  /// The ends of all streams.
  public var streams: [StreamEnd] { ends.compactMap { $0 } }

  private func attach(_ end: StreamEnd) {
    while ends.count <= end.slot { ends.append(nil) }
    ends[end.slot] = end
  }

  /// Replaces this end of a stream by another.
  public func replace(_ end: StreamEnd, with other: StreamEnd) {
    ends[end.slot] = other
    end.inRing = false
    wantsToSend(other)
  }

  private func end(_ slot: Int) -> StreamEnd? { slot < ends.count ? ends[slot] : nil }

  /// Releases an end that is done with its stream: if one direction is still open, the peer gets a reset.
  public func release(_ end: StreamEnd) {
    guard end.slot < ends.count, ends[end.slot] === end else { return }
    ends[end.slot] = nil
    mux.release(end.slot)
    loop.atTurnEnd(self)
  }

  /// Notes that the end has something to send: `produce` is called when there is room and credit.
  public func wantsToSend(_ end: StreamEnd) {
    if !end.inRing {
      end.inRing = true
      ring.append(end)
    }
    loop.atTurnEnd(self)
  }

  /// Notes bytes that left for the reader on this side: the peer may send as many again.
  public func consume(_ end: StreamEnd, _ count: Int) {
    mux.consume(end.slot, count, now: loop.now)
    if mux.hasControl { loop.atTurnEnd(self) }
  }

  // MARK: Out

  open override func turnEnded() { pump() }

  /// Fills and sends while the carrier takes it.
  public func pump() {
    while !carrier.isBusy, !isClosed {
      let count = fill()
      if count == 0 { break }
      carrier.send(count)
    }
    if !isClosed { scheduleDeferred() }
  }

  private func fill() -> Int {
    let base = carrier.staging
    if !greeting.isEmpty {
      greeting.withUnsafeBytes { base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      defer { greeting = [] }
      return greeting.count
    }
    guard isOpen else { return 0 }
    var filled = mux.writeControl(to: base, capacity: carrier.capacity, now: loop.now)
    var turns = ring.count - ringHead
    while turns > 0, carrier.capacity - filled > 2 * FrameHeader.size + 1024 {
      turns -= 1
      let end = ring[ringHead]
      ringHead += 1
      end.inRing = false
      filled += stage(end, at: base + filled, room: carrier.capacity - filled)
    }
    if ringHead == ring.count || ringHead > 1024 {
      ring.removeFirst(ringHead)
      ringHead = 0
    }
    if filled < carrier.capacity {
      filled += mux.writeControl(
        to: base + filled, capacity: carrier.capacity - filled, now: loop.now, inCompany: filled > 0)
    }
    return filled
  }

  /// Takes one stream's turn: a frame at most.
  private func stage(_ end: StreamEnd, at place: UnsafeMutableRawPointer, room: Int) -> Int {
    let count = min(room - FrameHeader.size, Self.maximumFrame, mux.sendCredit(end.slot))
    guard count > 0, ends[end.slot] === end else { return 0 }  // without credit, the credit event brings it back
    switch end.produce(into: place + FrameHeader.size, capacity: count) {
    case .nothing:
      return 0
    case .bytes(let produced, let more):
      mux.writeDataHeader(end.slot, count: produced, to: place)
      sentBytes += UInt64(produced)
      if more { wantsToSend(end) }
      end.produced()
      return FrameHeader.size + produced
    case .finished:
      mux.finish(end.slot)
      end.produced()
      return 0
    }
  }

  // MARK: Life

  open override func timerFired(_ kind: UInt8) {
    guard !isClosed else { return }
    if kind == Timer.deferred {
      deferredScheduled = false
      mux.releaseDeferred()
      if mux.hasControl { loop.atTurnEnd(self) }
      return
    }
    if !isSilent, loop.now - mux.heardAt > Self.silenceLimit {
      isSilent = true
      onEvent?(.silent)
    }
    if isOpen { mux.ping(now: loop.now) }
    loop.schedule(self, after: Self.pingInterval, kind: Timer.ping)
    loop.atTurnEnd(self)
  }

  func carrierEnded(_ reason: CarrierEnding) { close(.carrierEnded(reason)) }

  /// Ends every stream and the carrier; passes `event`, if any, to `onEvent`.
  public func close(_ event: SessionEvent? = nil) {
    guard !isClosed else { return }
    isClosed = true
    carrier.close()
    carrier.session = nil
    loop.unregister(self)
    for case .some(let end) in ends { end.sessionClosed() }
    ends = []
    ring = []
    ringHead = 0
    router = nil
    let told = onEvent
    onEvent = nil
    if let event { told?(event) }
  }
}
