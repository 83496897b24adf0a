#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A stream to a host for the requests of a split connection that match its rules.
final class HostWay: StreamEnd {
  let way: Way
  /// Nil once the connection does not need it any more.
  private var connection: SplitConnection?
  private var prefix: [UInt8]
  /// Bytes for the host.
  private var outbox = ByteQueue()
  /// Bytes of the host that the connection does not take yet. The host gets credit for them when it does.
  private var inbox = ByteQueue()
  private var status: StreamStatus?
  private var finishesOutput = false
  private var finishSent = false
  private var peerFinished = false
  private var isEndTold = false
  private(set) var isOver = false
  private enum Timer { static let acknowledge: UInt8 = 0, end: UInt8 = 1 }
  /// The time that a host has to end a stream that is not needed any more, µs.
  private static let endLimit: UInt64 = 30_000_000

  init(connection: SplitConnection, way: Way, session: Session, slot: Int, preamble: Preamble, limit: UInt64) {
    self.connection = connection
    self.way = way
    prefix = [UInt8](repeating: 0, count: preamble.size)
    prefix.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    super.init(session: session, slot: slot)
    loop.schedule(self, after: limit, kind: Timer.acknowledge)
  }

  var queued: Int { outbox.count }
  override var waitingBytes: Int { outbox.count + inbox.count }

  // MARK: To the host

  func send(_ bytes: UnsafeRawBufferPointer) {
    guard !isOver else { return }
    outbox.append(bytes, pool: loop.blocks)
    session.wantsToSend(self)
    loop.shedWhileFull()
  }

  func finishOutput() {
    finishesOutput = true
    session.wantsToSend(self)
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !isOver, capacity > prefix.count else { return .nothing }
    var count = prefix.count
    prefix.withUnsafeBytes { if let base = $0.baseAddress { place.copyMemory(from: base, byteCount: $0.count) } }
    prefix = []
    while count < capacity, !outbox.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: outbox.front.prefix(capacity - count))
      (place + count).copyMemory(from: part.baseAddress!, byteCount: part.count)
      count += part.count
      outbox.drop(part.count, pool: loop.blocks)
    }
    let isLast = finishesOutput && outbox.isEmpty && !finishSent
    if count > 0 { return .bytes(count, more: isLast || !outbox.isEmpty) }
    guard isLast else { return .nothing }
    finishSent = true
    return .finished
  }

  override func produced() {
    if let connection {
      if outbox.isEmpty { connection.runAtTurnEnd() }
    } else if finishSent, peerFinished {
      over()
    }
  }

  // MARK: From the host

  override func received(_ bytes: UnsafeRawBufferPointer) {
    guard !isOver else { return }
    var rest = bytes
    if status == nil, let first = rest.first {
      session.consume(self, 1)
      let answer = StreamStatus(rawValue: first) ?? .failed
      status = answer
      guard answer == .connected else { return fail(answer) }
      connection?.opened(self)
      rest = UnsafeRawBufferPointer(rebasing: rest[1...])
    }
    guard !rest.isEmpty, !isOver else { return }
    guard let connection else { return session.consume(self, rest.count) }
    if inbox.isEmpty, connection.mayRead(from: .way(way)) {
      session.consume(self, rest.count)
      connection.received(rest, from: .way(way))
      connection.run()
    } else {
      inbox.append(rest, pool: loop.blocks)
      loop.shedWhileFull()
    }
  }

  override func finished() {
    peerFinished = true
    if let connection { connection.run() } else if finishSent { over() }
  }

  /// Passes on what waits. Returns true if there was something.
  func feed() -> Bool {
    var hasMoved = false
    while !inbox.isEmpty, let connection, connection.mayRead(from: .way(way)) {
      hasMoved = true
      let part = inbox.front
      connection.received(part, from: .way(way))
      guard !isOver, self.connection != nil else { return true }
      session.consume(self, part.count)
      inbox.drop(part.count, pool: loop.blocks)
    }
    if peerFinished, inbox.isEmpty, !isEndTold, let connection {
      isEndTold = true
      connection.ended(.way(way))
      return true
    }
    return hasMoved
  }

  // MARK: The end

  override func timerFired(_ kind: UInt8) {
    if kind == Timer.end {
      if connection == nil { over() }
    } else if status == nil {
      fail(.timedOut)
    }
  }

  override func wasReset() { fail(.failed) }
  override func sessionClosed() { fail(.failed) }
  override func abort() { fail(.failed) }

  private func fail(_ reason: StreamStatus) {
    guard !isOver else { return }
    let told = connection
    let isFirst = status == nil || status == reason
    over()
    told?.failed(self, isFirst ? reason : nil)
  }

  /// Leaves the connection: sends what waits and a FIN, or a reset.
  func leave(reset: Bool) {
    connection = nil
    inbox.removeAll(pool: loop.blocks)
    guard !reset, !isOver, !(finishSent && peerFinished) else { return over() }
    finishOutput()
    loop.schedule(self, after: Self.endLimit, kind: Timer.end)
  }

  private func over() {
    guard !isOver else { return }
    isOver = true
    connection = nil
    outbox.removeAll(pool: loop.blocks)
    inbox.removeAll(pool: loop.blocks)
    loop.unregister(self)
    session.release(self)
  }
}
