#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A stream to a host for the requests of a split connection that match its rules.
final class HostWay: HostStream {
  let way: Way
  /// Nil once the connection does not need it any more.
  private var connection: SplitConnection?
  /// Bytes of the host that the connection does not take yet. The host gets credit for them when it does.
  private var inbox = ByteQueue()
  private var isEndTold = false

  init(connection: SplitConnection, way: Way, session: Session, slot: Int, preamble: Preamble, limit: UInt64) {
    self.connection = connection
    self.way = way
    super.init(session: session, slot: slot, preamble: preamble, limit: limit)
  }

  var queued: Int { outbox.count }
  override var waitingBytes: Int { outbox.count + inbox.count }
  override var isLeft: Bool { connection == nil }

  func send(_ bytes: UnsafeRawBufferPointer) { if !isOver { take(bytes) } }

  override func produced() {
    if let connection { if outbox.isEmpty { connection.runAtTurnEnd() } } else { endIfDone() }
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
    if let connection { connection.run() } else { endIfDone() }
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

  override func fail(_ reason: StreamStatus) {
    guard !isOver else { return }
    let told = connection
    let isFirst = status == nil || status == reason
    over()
    told?.failed(self, isFirst ? reason : nil)
  }

  /// Leaves the connection: sends what waits and a FIN, or a reset.
  func surrender(reset: Bool) {
    connection = nil
    inbox.removeAll(pool: loop.blocks)
    leave(reset: reset)
  }

  override func ended() {
    connection = nil
    inbox.removeAll(pool: loop.blocks)
  }
}
