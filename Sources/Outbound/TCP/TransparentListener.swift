import CLinux
import Relay

/// The way to find a redirected connection's original destination.
public enum OriginalDestination: Sendable, Equatable {
  /// TPROXY: the socket's own name (getsockname(2)).
  case localName
  /// Redirect: conntrack remembers (SO_ORIGINAL_DST).
  case originalDestination
}

/// Takes connections to any destination that netfilter redirects to one port.
final class TransparentListener: Acceptor {
  private let dialer: Dialer
  private let mode: OriginalDestination

  init(loop: EventLoop, fd: Int32, mode: OriginalDestination, dialer: Dialer) {
    self.dialer = dialer
    self.mode = mode
    super.init(loop: loop, fd: fd, counters: dialer.counters)
  }

  override func accepted(_ connection: Int32) {
    var address = clinux_address()
    let status =
      switch mode {
      case .localName: clinux_local_address(connection, &address)
      case .originalDestination: clinux_original_destination(connection, &address)
      }
    guard status == 0, let destination = IPEndpoint(address) else {
      counters.tcp.refused += 1
      counters.problem("a connection came without its original destination (errno \(-status))")
      return clinux_reset(connection)
    }
    guard mode == .localName || !isDirect(connection, destination) else {
      counters.tcp.refused += 1
      counters.problem("a connection came straight to the redirect port")
      return clinux_reset(connection)
    }
    dialer.connect(
      connection,
      to: .address(IPEndpoint(dialer.routes.rules.aliases.real(of: destination.address), port: destination.port)))
  }

  /// Checks whether no redirect was involved: passing it on would be connecting to ourselves, without end.
  private func isDirect(_ connection: Int32, _ destination: IPEndpoint) -> Bool {
    var own = clinux_address()
    return clinux_local_address(connection, &own) == 0 && IPEndpoint(own) == destination
  }
}
