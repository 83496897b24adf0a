import CLinux
import Relay

/// Everything that leads from one shell, or from the host, into the cluster. Created, used and closed on the relay's thread.
public final class Outbound {
  private let loop: EventLoop
  private let routes: RouteTable
  private let counters = OutboundCounters()
  private let dialer: Dialer
  private let resolver: DNSResolver
  private var closers: [() -> Void] = []
  private var isClosed = false

  /// - Parameters:
  ///   - sessions: gives the tunnel's session of the moment.
  ///   - routes: may be shared by several shells of one cluster.
  public init(loop: EventLoop, sessions: @escaping SessionSource, routes: RouteTable, dns: DNSSettings) {
    self.loop = loop
    self.routes = routes
    dialer = Dialer(loop: loop, sessions: sessions, routes: routes, counters: counters)
    resolver = DNSResolver(loop: loop, sessions: sessions, routes: routes, counters: counters, settings: dns)
  }

  /// Takes over a listening socket that netfilter leads connections to.
  public func attach(tcp fd: Int32, mode: OriginalDestination) {
    guard !isClosed else { return clinux_close(fd) }
    let listener = TransparentListener(loop: loop, fd: fd, mode: mode, dialer: dialer)
    closers.append { listener.close() }
  }

  /// Takes over the sockets that clients ask: a bound UDP socket, a listening TCP socket.
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

  public var figures: OutboundFigures {
    var figures = OutboundFigures(tcp: counters.tcp, udp: counters.udp, dns: counters.dns, proxy: counters.proxy)
    figures.tcp.open = dialer.liveCount
    figures.dns.cached = resolver.cachedCount
    figures.lastProblem = counters.lastProblem
    figures.learnedAddresses = routes.learnedCount
    figures.lastQueries = counters.lastQueries
    return figures
  }

  /// Closes all descriptors, resets what is open. Nothing of a shell's namespace is held after it.
  public func close() {
    isClosed = true
    for close in closers { close() }
    closers = []
    dialer.close()
    resolver.close()
  }
}
