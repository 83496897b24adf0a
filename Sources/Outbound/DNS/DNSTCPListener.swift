import CLinux
import Relay

/// The listener for clients that ask over TCP (RFC 7766).
final class DNSTCPListener: Acceptor {
  private let resolver: DNSResolver
  private var connections: [ObjectIdentifier: DNSTCPConnection] = [:]
  private static let connectionLimit = 256

  init(loop: EventLoop, fd: Int32, resolver: DNSResolver, counters: OutboundCounters) {
    self.resolver = resolver
    super.init(loop: loop, fd: fd, counters: counters)
  }

  override func accepted(_ connection: Int32) {
    guard connections.count < Self.connectionLimit else { return clinux_reset(connection) }
    let taken = DNSTCPConnection(loop: loop, fd: connection, resolver: resolver)
    connections[ObjectIdentifier(taken)] = taken
    taken.ended = { [weak self] in self?.connections[$0] = nil }
    taken.start()
  }

  override func close() {
    super.close()
    for connection in connections.values { connection.close() }
  }
}

/// One such client: it may send queries without waiting, and gets answers as they are found (RFC 7766 section 6.2.1.1).
final class DNSTCPConnection: Handler {
  private let loop: EventLoop
  private var fd: Int32
  private let resolver: DNSResolver
  private var inbox: [UInt8] = []
  private var outbox: [UInt8] = []
  private var unanswered = 0
  private var inputEnded = false
  private var lastUse: UInt64
  var ended: ((ObjectIdentifier) -> Void)?
  /// µs.
  private static let idleLimit: UInt64 = 30_000_000
  private static let unansweredLimit = 64
  private static let outboxLimit = 1 << 20

  init(loop: EventLoop, fd: Int32, resolver: DNSResolver) {
    self.loop = loop
    self.fd = fd
    self.resolver = resolver
    lastUse = loop.now
  }

  func start() {
    loop.watch(fd, self)
    loop.schedule(self, after: Self.idleLimit, kind: 0)
  }

  override func ready(_ events: UInt32) {
    if events & clinux_EPOLLOUT != 0 { flush() }
    read()
  }

  private func read() {
    while fd >= 0, !inputEnded, unanswered < Self.unansweredLimit {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) { return }
      guard count >= 0 else { return close() }
      lastUse = loop.now
      if count == 0 { inputEnded = true }
      inbox += UnsafeRawBufferPointer(start: loop.scratch, count: count)
      takeQueries()
    }
    closeWhenDone()
  }

  private func takeQueries() {
    var offset = 0
    while inbox.count - offset >= 2, inbox.count - offset - 2 >= Int(DNSMessage.load16(inbox, offset)) {
      let length = Int(DNSMessage.load16(inbox, offset))
      let query = Array(inbox[(offset + 2)..<(offset + 2 + length)])
      offset += 2 + length
      // A message without an answer would be waited for.
      guard query.count >= DNSMessage.headerSize, query[2] & 0x80 == 0 else { return close() }
      unanswered += 1
      resolver.answer(query, overTCP: true) { [weak self] in self?.send($0) }
    }
    inbox.removeFirst(offset)
  }

  private func send(_ answer: [UInt8]) {
    guard fd >= 0 else { return }
    unanswered -= 1
    outbox.append16(UInt16(answer.count))
    outbox += answer
    guard outbox.count <= Self.outboxLimit else { return close() }
    flush()
    loop.readAgain(self)
  }

  private func flush() {
    while !outbox.isEmpty, fd >= 0 {
      let count = outbox.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) }
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else { return close() }
      outbox.removeFirst(count)
    }
    closeWhenDone()
  }

  private func closeWhenDone() { if inputEnded, unanswered == 0, outbox.isEmpty { close() } }

  override func timerFired(_ kind: UInt8) {
    let idle = loop.now - lastUse
    if idle >= Self.idleLimit { return close() }
    loop.schedule(self, after: Self.idleLimit - idle, kind: 0)
  }

  func close() {
    guard loop.end(self, &fd) else { return }
    ended?(ObjectIdentifier(self))
  }
}
