import CLinux
import Relay

/// One port for programs that use a proxy: SOCKS5, SOCKS4a and HTTP, distinguished by the first byte.
final class ProxyListener: Acceptor {
  private let dialer: Dialer
  private let resolver: DNSResolver
  private let credentials: ProxyCredentials?
  private var clients: [ObjectIdentifier: ProxyClient] = [:]

  /// - Parameter credentials: required of clients; nil: no authentication.
  init(loop: EventLoop, fd: Int32, dialer: Dialer, resolver: DNSResolver, credentials: ProxyCredentials?) {
    self.dialer = dialer
    self.resolver = resolver
    self.credentials = credentials
    super.init(loop: loop, fd: fd, counters: dialer.counters)
  }

  override func accepted(_ connection: Int32) {
    guard !dialer.isCrowded(by: clients.count) else {
      counters.problem("\(clients.count) clients of the proxy have sent no request: new ones are reset")
      return clinux_reset(connection)
    }
    let client = ProxyClient(loop: loop, fd: connection, dialer: dialer, resolver: resolver, credentials: credentials)
    clients[ObjectIdentifier(client)] = client
    client.ended = { [weak self] in self?.clients[$0] = nil }
    client.start()
  }

  override func close() {
    super.close()
    for client in clients.values { client.close() }
    clients = [:]
  }
}
