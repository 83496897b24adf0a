import CLinux
import Relay

/// One question to the host's own resolvers: each in turn over UDP, with a random port and ID (RFC
/// 5452); over TCP if the answer was cut.
final class HostQuery: Handler {
  private let loop: EventLoop
  private let query: DNSQuery
  private let servers: [IPEndpoint]
  private let sourcePorts: ClosedRange<UInt16>?
  private var completion: ((DNSMessage?) -> Void)?
  private var fd: Int32 = -1
  private var id: UInt16 = 0
  private var attempt = 0
  private var isTCP = false
  private var outbox: [UInt8] = []
  private var inbox: [UInt8] = []
  private static let rounds = 2
  /// µs for each attempt.
  private static let patience: UInt64 = 1_500_000

  init(
    loop: EventLoop, query: DNSQuery, servers: [IPEndpoint], sourcePorts: ClosedRange<UInt16>? = nil,
    completion: @escaping (DNSMessage?) -> Void
  ) {
    self.loop = loop
    self.sourcePorts = sourcePorts
    self.query = query
    self.servers = Array(servers.prefix(3))  // resolv.conf(5): MAXNS
    self.completion = completion
  }

  func start() {
    loop.register(self)
    ask(overTCP: false)
  }

  private var server: IPEndpoint { servers[attempt % servers.count] }

  private func ask(overTCP: Bool) {
    closeSocket()
    isTCP = overTCP
    inbox = []
    _ = clinux_random(&id, 2)
    fd = connect(overTCP: overTCP)
    let message = query.upstream(id: id)
    outbox = []
    if overTCP { outbox.append16(UInt16(message.count)) }
    outbox += message
    // The timer's kind is the attempt, so that an earlier attempt's timer ends no later one.
    loop.schedule(
      self, after: fd >= 0 ? Self.patience : 0, kind: UInt8(truncatingIfNeeded: attempt * 2 + (overTCP ? 1 : 0)))
    if fd >= 0 { loop.watch(fd, self) }
  }

  private func connect(overTCP: Bool) -> Int32 {
    var address = server.socketAddress
    guard let sourcePorts else { return overTCP ? clinux_tcp_connect(&address) : clinux_udp_connect(&address) }
    // Some of the 4,096 ports are taken by other questions; three tries find a free one.
    for _ in 0..<3 {
      let fd = clinux_connect_from(overTCP ? 0 : 1, UInt16.random(in: sourcePorts), &address)
      if fd != -clinux_EADDRINUSE { return fd }
    }
    return -clinux_EADDRINUSE
  }

  override func ready(_ events: UInt32) {
    while !outbox.isEmpty, fd >= 0 {
      let count = outbox.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) }
      if count == -Int(clinux_EAGAIN) { break }
      guard count > 0 else { return next() }
      outbox.removeFirst(count)
    }
    while fd >= 0 {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else {
        if count == 0, !isTCP { continue }  // an empty datagram
        return next()
      }
      let bytes = Array(UnsafeRawBufferPointer(start: loop.scratch, count: count))
      if !isTCP {
        take(bytes)
      } else {
        inbox += bytes
        if inbox.count >= 2, inbox.count >= 2 + Int(DNSMessage.load16(inbox, 0)) {
          take(Array(inbox[2..<(2 + Int(DNSMessage.load16(inbox, 0)))]))
        }
      }
    }
  }

  private func take(_ bytes: [UInt8]) {
    guard let message = DNSMessage(bytes), message.isResponse, message.id == id, let question = message.question,
      question.matches(query.question)
    else {
      return
    }
    if message.isTruncated, !isTCP { return ask(overTCP: true) }
    // One server's own failure is not final: another may know better.
    if message.rcode == DNSRcode.serverFailure || message.rcode == DNSRcode.refused, attempt + 1 < servers.count {
      return next()
    }
    end(message)
  }

  override func timerFired(_ kind: UInt8) {
    if kind == UInt8(truncatingIfNeeded: attempt * 2 + (isTCP ? 1 : 0)) { next() }
  }

  private func next() {
    attempt += 1
    guard attempt < servers.count * Self.rounds else { return end(nil) }
    ask(overTCP: false)
  }

  func cancel() {
    completion = nil
    end(nil)
  }

  private func end(_ message: DNSMessage?) {
    closeSocket()
    loop.unregister(self)
    let told = completion
    completion = nil
    told?(message)
  }

  private func closeSocket() {
    guard fd >= 0 else { return }
    loop.unwatch(fd)
    clinux_close(fd)
    fd = -1
  }
}
