import CLinux
import Relay
import TunnelProtocol

/// A proxy's client until its request is complete; then the dialer takes over.
final class ProxyClient: Handler {
  private let loop: EventLoop
  private var fd: Int32
  private let dialer: Dialer
  private let resolver: DNSResolver
  private var inbox: [UInt8] = []
  private var socks: SOCKS
  private var head: HTTPRequestHead
  var ended: ((ObjectIdentifier) -> Void)?
  private static let headLimit = 32 << 10
  /// For the whole request, µs.
  private static let patience: UInt64 = 30_000_000

  init(loop: EventLoop, fd: Int32, dialer: Dialer, resolver: DNSResolver, credentials: ProxyCredentials?) {
    socks = SOCKS(credentials: credentials)
    head = HTTPRequestHead(credentials: credentials)
    self.loop = loop
    self.fd = fd
    self.dialer = dialer
    self.resolver = resolver
  }

  func start() {
    loop.watch(fd, self)
    loop.schedule(self, after: Self.patience, kind: 0)
  }

  override func ready(_ events: UInt32) {
    while fd >= 0 {
      let count = clinux_receive(fd, loop.scratch, min(EventLoop.scratchSize, Self.headLimit))
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else { return close() }
      inbox += UnsafeRawBufferPointer(start: loop.scratch, count: count)
      take()
    }
  }

  override func timerFired(_ kind: UInt8) { close() }

  private func take() {
    while fd >= 0, let first = inbox.first {
      let isSOCKS = socks.isUnderWay || first == 4 || first == 5
      switch isSOCKS ? socks.step(inbox) : http() {
      case .more:
        if inbox.count >= Self.headLimit {
          reject(isSOCKS ? [] : HTTPRequestHead.response(431, "The request's head is longer than 32 KiB."))
        }
        return
      case .answer(let bytes, let taken):
        inbox.removeFirst(taken)
        guard bytes.withUnsafeBytes({ clinux_send(fd, $0.baseAddress!, $0.count) }) == bytes.count else {
          return close()
        }
      case .reject(let bytes): return reject(bytes)
      case .request(let request): return lead(request)
      }
    }
  }

  /// Takes an HTTP request. A method is in capitals: other bytes (TLS, say) are refused early, as their
  /// head may have no end.
  private func http() -> ProxyStep {
    for byte in inbox.prefix(8) where !(byte >= 0x41 && byte <= 0x5a) {
      if byte == 0x20 || byte == 0x2d || byte == 0x5f { break }
      return .reject(
        HTTPRequestHead.response(400, "This port speaks SOCKS5, SOCKS4a and HTTP/1.1; the request is none of these."))
    }
    return head.step(inbox)
  }

  private func reject(_ bytes: [UInt8]) {
    dialer.counters.proxy.rejected += 1
    dialer.dismiss(surrender(), bytes)
  }

  // MARK: Routes

  private func lead(_ request: ProxyRequest) {
    if request.isHTTP { dialer.counters.proxy.http += 1 } else { dialer.counters.proxy.socks += 1 }
    if let address = IPAddress(parsing: request.host) {
      return connect(request, .address(IPEndpoint(address, port: request.port)))
    }
    guard let name = DNSName(request.host), name.wire.count > 1 else { return fail(request, .nameNotFound) }
    if name == DNSSettings.hostName {
      return connect(request, .address(IPEndpoint(dialer.routes.rules.hostAddress, port: request.port)))
    }
    if name == Self.localhost { return connect(request, .address(IPEndpoint(.loopback, port: request.port))) }
    if resolver.settings.clusterSuffixes.contains(where: { name.isWithin($0) }) {
      // The agent resolves it, which saves a round trip.
      return connect(request, .name(Array(name.description.utf8), port: request.port))
    }
    // The client's bytes stay in its socket until DNS has answered.
    loop.unwatch(fd)
    resolver.lookUp(request.host) { [weak self] outcome in
      guard let self, self.fd >= 0 else { return }
      switch outcome {
      case .found(let addresses, _):
        self.connect(request, addresses.map { .address(IPEndpoint($0, port: request.port)) })
      case .notFound: self.fail(request, .nameNotFound)
      case .failed: self.fail(request, .timedOut)
      }
    }
  }

  private static let localhost = DNSName("localhost")!

  private func connect(_ request: ProxyRequest, _ destination: Destination) { connect(request, [destination]) }

  /// - Parameter destinations: at least one; the first that answers is taken.
  private func connect(_ request: ProxyRequest, _ destinations: [Destination]) {
    dialer.connect(
      surrender(), to: destinations[0], others: Array(destinations.dropFirst()), backlog: request.backlog,
      reply: request.reply)
  }

  private func fail(_ request: ProxyRequest, _ status: StreamStatus) {
    dialer.counters.tcp.refused += 1
    dialer.counters.problem(
      "\(request.host):\(request.port): " + (status == .nameNotFound ? "no such name" : "no DNS answer"))
    dialer.dismiss(surrender(), request.reply(status))
  }

  // MARK: Ends

  /// Gives up the socket, no longer watched.
  private func surrender() -> Int32 {
    let socket = fd
    fd = -1
    loop.unwatch(socket)
    loop.unregister(self)
    ended?(ObjectIdentifier(self))
    return socket
  }

  func close() {
    guard fd >= 0 else { return }
    clinux_reset(surrender())
  }
}
