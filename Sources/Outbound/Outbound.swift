import CLinux
import Relay

/// All routes from one shell, or from the host, into the cluster. Created, used and closed on the relay's thread.
public final class Outbound {
  private let loop: EventLoop
  private let routes: RouteTable
  private let counters = OutboundCounters()
  let dialer: Dialer
  private let resolver: DNSResolver
  private let sessions: SessionSource
  private var datagrams: [DatagramFlows] = []
  private var closers: [() -> Void] = []
  private var isClosed = false

  /// - Parameters:
  ///   - sessions: gives the tunnel's present session.
  ///   - routes: may be shared by several shells of one cluster.
  ///   - budget: of the tunnel's connections; nil: no limit.
  ///   - place: for those who look at what passes; nil: nobody may.
  public init(
    loop: EventLoop, sessions: @escaping SessionSource, routes: RouteTable, dns: DNSSettings,
    budget: ConnectionBudget? = nil, place: TapPlace? = nil
  ) {
    self.loop = loop
    self.routes = routes
    self.sessions = sessions
    dialer = Dialer(
      loop: loop, sessions: sessions, routes: routes, counters: counters,
      budget: budget ?? ConnectionBudget(limit: .max), place: place)
    resolver = DNSResolver(loop: loop, sessions: sessions, routes: routes, counters: counters, settings: dns)
  }

  /// Takes over a listening socket that netfilter redirects connections to.
  public func attach(tcp fd: Int32, mode: OriginalDestination) {
    guard !isClosed else { return clinux_close(fd) }
    let listener = TransparentListener(loop: loop, fd: fd, mode: mode, dialer: dialer)
    closers.append { listener.close() }
  }

  /// Takes over a UDP socket that netfilter redirects datagrams to.
  /// - Parameters:
  ///   - icmp: a raw socket with IP_HDRINCL in the same namespace (`clinux_raw_ip`), taken over as well; -1:
  ///     unreachable destinations stay silent.
  ///   - mint: asks for a UDP socket in that namespace, bound to the address, for answers; the socket is taken over.
  ///     Called on the loop's thread, and calls back on it, with nil if it cannot be made.
  public func attach(udp fd: Int32, icmp: Int32, mint: @escaping (clinux_address, @escaping (Int32?) -> Void) -> Void) {
    guard !isClosed else {
      if icmp >= 0 { clinux_close(icmp) }
      return clinux_close(fd)
    }
    let flows = DatagramFlows(
      loop: loop, fd: fd, icmp: icmp, mint: mint, sessions: sessions, routes: routes, counters: counters)
    datagrams.append(flows)
    closers.append { flows.close() }
  }

  /// Takes over the sockets for clients' questions: a bound UDP socket, a listening TCP socket.
  public func attach(dnsUDP: Int32, dnsTCP: Int32) {
    guard !isClosed else {
      clinux_close(dnsUDP)
      return clinux_close(dnsTCP)
    }
    let server = DNSServer(loop: loop, fd: dnsUDP, resolver: resolver)
    let listener = DNSTCPListener(loop: loop, fd: dnsTCP, resolver: resolver, counters: counters)
    closers.append { server.close() }
    closers.append { listener.close() }
  }

  /// Takes over a listening socket for SOCKS5, SOCKS4a and HTTP clients.
  public func listenProxy(fd: Int32, access: ProxyAccess) {
    guard !isClosed else { return clinux_close(fd) }
    if access.credentials != nil { dialer.leadsToThisMachine = false }
    let listener = ProxyListener(
      loop: loop, fd: fd, dialer: dialer, resolver: resolver, credentials: access.credentials)
    closers.append { listener.close() }
  }

  /// The counts of the moment; read it on the loop's thread.
  public var figures: OutboundFigures {
    var figures = OutboundFigures(tcp: counters.tcp, udp: counters.udp, dns: counters.dns, proxy: counters.proxy)
    figures.tcp.open = dialer.liveCount
    figures.udp.open = datagrams.reduce(0) { $0 + $1.count }
    figures.dns.cached = resolver.cachedCount
    figures.lastProblem = counters.lastProblem
    figures.learnedAddresses = routes.learnedCount
    figures.lastQueries = counters.lastQueries
    return figures
  }

  /// Closes all descriptors and resets open connections. It holds nothing of a shell's namespace afterwards.
  public func close() {
    isClosed = true
    for close in closers { close() }
    closers = []
    dialer.close()
    resolver.close()
  }
}
