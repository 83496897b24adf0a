import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A stream of DNS queries to the name servers, handled as by the Pod's own libc: over UDP, by the next server if one
/// is silent, over TCP if the answer was cut off. Any number may be active; answers come as they arrive.
final class DNSEnd: ServedEnd {
  private var servers: [Nameserver] = []
  private var reader = DatagramReader()
  private var pending: [DNSQuery] = []
  private var nextID: UInt16 = 0
  private var outbox = ByteQueue()
  private var isTimerSet = false

  private let limits: AgentConfiguration.QueryLimits
  private static let maximumPending = 1024
  /// An opener that does not read its answers loses them.
  private static let outboxLimit = 1 << 20
  private static let dueTimer: UInt8 = 1

  init(session: Session, slot: Int, limits: AgentConfiguration.QueryLimits) {
    self.limits = limits
    super.init(session: session, slot: slot)
  }

  /// - Parameter addresses: the servers, with their ports, the first asked first.
  func serve(_ addresses: [clinux_address]) {
    guard !addresses.isEmpty else { return answer(.unreachable) }
    for address in addresses { servers.append(Nameserver(loop: loop, end: self, address: address)) }
    _ = clinux_random(&nextID, 2)
    answer(.connected)
  }

  // MARK: Queries

  override func received(_ bytes: UnsafeRawBufferPointer) {
    super.received(bytes)
    var input = bytes
    while isServing, let message = reader.next(&input) { ask(message) }
  }

  private func ask(_ message: UnsafeRawBufferPointer) {
    // Never answer a response: two servers could loop.
    guard message.count >= DNSMessage.headerSize, !DNSMessage.isAnswer(message) else { return }
    guard let end = DNSMessage.questionEnd(message) else {
      return put(DNSMessage.error(DNSMessage.formatError, to: message, questionEnd: nil))
    }
    guard pending.count < Self.maximumPending else {
      return put(DNSMessage.error(DNSMessage.serverFailure, to: message, questionEnd: end))
    }
    repeat { nextID &+= 1 } while index(nextID) != nil
    let query = DNSQuery(message, id: nextID, questionEnd: end, deadline: loop.now + limits.total)
    pending.append(query)
    askNext(query)
    setTimer()
  }

  /// Asks the next reachable server; without one, the query waits for its time.
  private func askNext(_ query: DNSQuery) {
    query.due = min(loop.now + limits.server, query.deadline)
    query.server = nil
    for _ in servers.indices {
      let server = servers[query.asked % servers.count]
      query.asked += 1
      query.askedAt = loop.now
      if server.send(query.message) {
        query.server = server
        return
      }
      if query.asked >= servers.count { return }
    }
  }

  private func index(_ id: UInt16) -> Int? {
    for index in pending.indices where pending[index].id == id { return index }
    return nil
  }

  // MARK: Answers

  func answered(_ message: UnsafeRawBufferPointer, by server: Nameserver) {
    guard let query = asked(message), query.overTCP == nil else { return }
    if DNSMessage.isTruncated(message) {
      query.fallback = Array(message)
      query.overTCP = DNSOverTCP(loop: loop, end: self, id: query.id, server: server.address, message: query.message)
      if query.overTCP == nil { settle(query) }
    } else if DNSMessage.isHelpless(message), query.asked < servers.count {
      query.fallback = Array(message)
      askNext(query)
    } else {
      settle(query, message)
    }
  }

  /// Returns the query that a message answers.
  private func asked(_ message: UnsafeRawBufferPointer) -> DNSQuery? {
    guard message.count >= DNSMessage.headerSize, DNSMessage.isAnswer(message),
      let index = index(message.baseAddress!.loadBE16())
    else { return nil }
    let query = pending[index]
    let fits = query.message.withUnsafeBytes { DNSMessage.answers(message, $0, questionEnd: query.questionEnd) }
    return fits ? query : nil
  }

  func answeredOverTCP(_ message: UnsafeRawBufferPointer, id: UInt16) {
    if let query = asked(message), query.id == id { settle(query, message) } else { failedOverTCP(id) }
  }

  /// Settles with a part of an answer, which is better than none.
  func failedOverTCP(_ id: UInt16) { if let index = index(id) { settle(pending[index]) } }

  /// Passes the queries of a server whose port is closed to the next one at once, if one has not been asked yet.
  func refused(by server: Nameserver) {
    for query in pending where query.server === server && query.overTCP == nil {
      query.server = nil
      if query.asked < servers.count { askNext(query) }
    }
  }

  /// Answers the query: with `message`, else with the best answer so far, else with a failure.
  private func settle(_ query: DNSQuery, _ message: UnsafeRawBufferPointer? = nil) {
    query.overTCP?.close()
    query.overTCP = nil
    pending.removeAll { $0 === query }
    if let message {
      put(message, id: query.askersID)
    } else if let fallback = query.fallback {
      fallback.withUnsafeBytes { put($0, id: query.askersID) }
    } else {
      let failure = query.message.withUnsafeBytes {
        DNSMessage.error(DNSMessage.serverFailure, to: $0, questionEnd: query.questionEnd)
      }
      failure.withUnsafeBytes { put($0, id: query.askersID) }
    }
  }

  private func put(_ message: [UInt8]) { message.withUnsafeBytes { put($0, id: $0.baseAddress!.loadBE16()) } }

  private func put(_ message: UnsafeRawBufferPointer, id: UInt16) {
    session.wantsToSend(self)
    guard outbox.count < Self.outboxLimit else { return }
    var head: (UInt16, UInt16) = (UInt16(truncatingIfNeeded: message.count).bigEndian, id.bigEndian)
    withUnsafeBytes(of: &head) { outbox.append($0, pool: loop.blocks) }
    outbox.append(UnsafeRawBufferPointer(rebasing: message[2...]), pool: loop.blocks)
  }

  override func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    var count = 0
    while count < capacity, !outbox.isEmpty {
      let part = min(outbox.front.count, capacity - count)
      (place + count).copyMemory(from: outbox.front.baseAddress!, byteCount: part)
      outbox.drop(part, pool: loop.blocks)
      count += part
    }
    if count > 0 { return .bytes(count, more: !outbox.isEmpty || peerFinished) }
    return peerFinished && pending.isEmpty ? .finished : .nothing
  }

  override func inputEnded() { session.wantsToSend(self) }

  // MARK: Time

  /// Sets one timer for all queries, for the earliest time among those present.
  private func setTimer() {
    guard !isTimerSet, !pending.isEmpty else { return }
    var due = UInt64.max
    for query in pending { due = min(due, query.due) }
    isTimerSet = true
    loop.schedule(self, after: due > loop.now ? due - loop.now : 0, kind: Self.dueTimer)
  }

  override func timerFired(_ kind: UInt8) {
    isTimerSet = false
    for query in pending where query.due <= loop.now {
      if query.deadline <= loop.now {
        settle(query)
      } else if query.overTCP != nil {
        query.due = query.deadline
      } else {
        query.server?.renew(since: query.askedAt)
        askNext(query)
      }
    }
    setTimer()
  }

  override func closed() {
    for query in pending { query.overTCP?.close() }
    pending = []
    for server in servers { server.close() }
    servers = []
    outbox.removeAll(pool: loop.blocks)
  }
}

/// An active query.
final class DNSQuery {
  let id: UInt16
  let askersID: UInt16
  /// With our ID.
  let message: [UInt8]
  let questionEnd: Int
  let deadline: UInt64
  /// The time of the next attempt, µs.
  var due: UInt64
  /// The number of times that servers were asked.
  var asked = 0
  var askedAt: UInt64 = 0
  /// The server asked last, unless it refused.
  var server: Nameserver?
  var overTCP: DNSOverTCP?
  /// An answer that is cut off or helpless, in case no better one comes.
  var fallback: [UInt8]?

  init(_ message: UnsafeRawBufferPointer, id: UInt16, questionEnd: Int, deadline: UInt64) {
    self.id = id
    askersID = message.baseAddress!.loadBE16()
    var own = Array(message)
    own[0] = UInt8(truncatingIfNeeded: id >> 8)
    own[1] = UInt8(truncatingIfNeeded: id)
    self.message = own
    self.questionEnd = questionEnd
    self.deadline = deadline
    due = deadline
  }
}
