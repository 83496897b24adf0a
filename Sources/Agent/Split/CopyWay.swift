#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A stream to a host that gets copies of a connection's requests. Nothing waits for it: what does not fit is lost and
/// counted, and the host's answers are dropped.
final class CopyWay: HostStream {
  let rules: PortRules
  /// Nil once the connection does not use it any more.
  private var connection: SplitConnection?
  private let server: AgentServer
  /// The bytes that were taken and sent, and the places of the requests that are not sent to their ends.
  private var bytesTaken = 0
  private var bytesSent = 0
  private var begun: [Int] = []
  static let limit = 256 << 10
  /// The time without copies after a host did not take a connection, µs.
  private static let restTime: UInt64 = 1_000_000

  init(connection: SplitConnection, rules: PortRules, slot: Int, preamble: Preamble, server: AgentServer) {
    self.connection = connection
    self.rules = rules
    self.server = server
    super.init(
      session: rules.holder.session, slot: slot, preamble: preamble, limit: server.configuration.acknowledgeLimit)
  }

  override var waitingBytes: Int { outbox.count }
  override var isLeft: Bool { connection == nil }

  /// Notes that a request, or a connection of another protocol, follows.
  func begin() {
    rules.copied += 1
    begun.append(bytesTaken)
  }

  /// Notes that one of the requests is lost. The end of the stream does not count it again.
  func loseOne() {
    _ = begun.popLast()
    rules.lose(1)
  }

  /// Takes bytes; false if they do not fit: the stream is over then.
  func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard !isOver else { return false }
    guard outbox.count + bytes.count <= Self.limit, server.holdCopies(bytes.count) else {
      // The connection is in the middle of its work: it sees the answer.
      connection?.forget(self)
      connection = nil
      if begun.isEmpty { rules.lose(1) }
      over()
      return false
    }
    bytesTaken += bytes.count
    take(bytes)
    return true
  }

  override func sent(_ count: Int) {
    bytesSent += count
    _ = server.holdCopies(-count)
    forgetSent()
  }

  /// Forgets requests that are sent. A host that has not taken the connection has none.
  private func forgetSent() {
    guard status != nil else { return }
    if outbox.isEmpty { return begun.removeAll() }
    var sent = 0
    while sent + 1 < begun.count, begun[sent + 1] <= bytesSent { sent += 1 }
    if sent > 0 { begun.removeFirst(sent) }
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    guard !isOver else { return }
    var rest = bytes
    if status == nil, let first = rest.first {
      let answer = StreamStatus(rawValue: first) ?? .failed
      guard answer == .connected else { return fail(answer) }
      status = answer
      forgetSent()
      rest = UnsafeRawBufferPointer(rebasing: rest[1...])
    }
    if !rest.isEmpty { connection?.answered(rest, by: self) }
  }

  override func finished() {
    peerFinished = true
    // It may get the next request by another stream.
    let told = connection
    surrender(reset: false)
    told?.ended(self)
  }

  // MARK: The end

  override func fail(_ reason: StreamStatus) {
    if status == nil { rules.restsUntil = loop.now + Self.restTime }
    over()
  }

  /// Leaves the connection: sends what waits and a FIN, or a reset.
  func surrender(reset: Bool) {
    connection = nil
    leave(reset: reset)
  }

  override func ended() {
    rules.lose(begun.count)
    begun = []
    _ = server.holdCopies(-outbox.count)
    let told = connection
    connection = nil
    told?.ended(self)
  }
}
