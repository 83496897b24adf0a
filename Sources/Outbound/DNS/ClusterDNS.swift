import Relay
import TunnelProtocol

/// Asks the cluster's DNS through the tunnel: one long-lived stream for all questions, opened again
/// with each new session.
final class ClusterDNS: Handler {
  private let loop: EventLoop
  private let sessions: SessionSource
  private let counters: OutboundCounters
  private var stream: DNSStream?
  private var isOpening = false
  private var isClosed = false
  private var asked: [UInt16: Asked] = [:]
  private var ids: [DNSKey: UInt16] = [:]
  private var nextID: UInt16 = 0
  /// Called with a question's answer; nil: no answer will come.
  var answered: ((DNSKey, DNSMessage?) -> Void)?

  private struct Asked {
    let key: DNSKey
    let query: DNSQuery
    /// The number of attempts: a question is sent once more when its stream ends, since the answer may have
    /// been lost with it.
    var attempts = 0
  }
  private static let attemptLimit = 2

  init(loop: EventLoop, sessions: @escaping SessionSource, counters: OutboundCounters) {
    self.loop = loop
    self.sessions = sessions
    self.counters = counters
    super.init()
    loop.register(self)
  }

  /// - Parameter question: the question to send, which may differ from that of `query`; `answered` is
  ///   called with the key of `query`.
  func ask(_ query: DNSQuery, as question: DNSQuestion) {
    while asked[nextID] != nil { nextID &+= 1 }
    let id = nextID
    nextID &+= 1
    asked[id] = Asked(
      key: query.key, query: DNSQuery(id: query.id, question: question, flags: query.flags, edns: query.edns))
    ids[query.key] = id
    if stream != nil { send(id) } else { open() }
  }

  /// Stops waiting for an answer.
  func forget(_ key: DNSKey) {
    if let id = ids.removeValue(forKey: key) { asked[id] = nil }
  }

  private func open() {
    guard !isOpening, !isClosed else { return }
    isOpening = true
    sessions { [weak self] session in
      guard let self, self.isOpening, !self.isClosed else { return }
      self.isOpening = false
      guard let session else { return self.fail("there was no tunnel for 5 s") }
      let end = session.open { DNSStream(session: session, slot: $0, owner: self) }
      guard let end = end as? DNSStream else { return self.fail("the tunnel takes no more streams") }
      self.stream = end
      for id in self.asked.keys.sorted() { self.send(id) }
    }
  }

  private func send(_ id: UInt16) {
    guard let stream, let query = asked[id]?.query else { return }
    asked[id]!.attempts += 1
    let message = query.upstream(id: id)
    if !message.withUnsafeBytes({ stream.send($0) }) { settle(id, nil) }
  }

  private func settle(_ id: UInt16, _ message: DNSMessage?) {
    guard let gone = asked.removeValue(forKey: id) else { return }
    ids[gone.key] = nil
    answered?(gone.key, message)
  }

  fileprivate func received(_ bytes: UnsafeRawBufferPointer) {
    guard let message = DNSMessage(Array(bytes)), message.isResponse, let query = asked[message.id]?.query else {
      return
    }
    if let question = message.question {
      // An answer to another question with the same ID is late: its question is no longer waiting.
      guard question.matches(query.question) else { return }
      settle(message.id, message)
    } else if message.rcode != DNSRcode.noError {
      settle(message.id, nil)
    }
  }

  fileprivate func ended(_ end: DatagramStream.End) {
    stream = nil
    guard !isClosed else { return }
    if case .refused(let status) = end { return fail("the agent gives no DNS: \(status)") }
    for id in asked.keys.sorted() where asked[id]?.attempts ?? 0 >= Self.attemptLimit { settle(id, nil) }
    // Open it later: `sessions` may still return the session that ends now.
    if !asked.isEmpty { loop.schedule(self, after: 0, kind: 0) }
  }

  override func timerFired(_ kind: UInt8) {
    if stream == nil, !asked.isEmpty { open() }
  }

  private func fail(_ problem: String) {
    counters.problem("DNS: \(problem)")
    for id in asked.keys.sorted() { settle(id, nil) }
  }

  func close() {
    isClosed = true
    answered = nil
    stream?.close()
    stream = nil
    asked = [:]
    ids = [:]
    loop.unregister(self)
  }
}

private final class DNSStream: DatagramStream {
  private let owner: ClusterDNS

  init(session: Session, slot: Int, owner: ClusterDNS) {
    self.owner = owner
    super.init(session: session, slot: slot, preamble: Preamble(.dns))
  }

  override func datagram(_ bytes: UnsafeRawBufferPointer) { owner.received(bytes) }
  override func over(_ end: End) { owner.ended(end) }
}
