import CLinux

/// One message of the channel. Each is a record of a SOCK_SEQPACKET socket: a byte for its kind, then
/// its fields, numbers in network order.
public enum ShellMessage: Sendable {
  /// Helper to daemon, first: who I am, and the sockets of my namespace.
  case hello(ShellHello)
  /// Helper to daemon: the command ended with this code; the helper waits for `bye` and ends.
  case exiting(code: Int32)
  /// Daemon to helper: make a socket inside.
  case mint(request: UInt32, MintedSocket)
  /// Helper to daemon: the socket asked for, or the errno (never 0 without a socket).
  case minted(request: UInt32, errno: Int32, PassedDescriptor?)
  /// Daemon to helper: end now.
  case bye
  /// Daemon to helper: hello accepted.
  case welcome
  /// Daemon to helper: hello not accepted, with the reason for the user at the terminal.
  case refused(String)
}

/// A helper's hello: its identity and its sockets.
public struct ShellHello: Sendable {
  /// The way to find the original destination of a connection.
  public enum Mode: UInt8, Sendable {
    /// By getsockname() of the accepted socket.
    case tproxy = 0
    /// By the socket option SO_ORIGINAL_DST.
    case redirect = 1
  }

  /// Sockets for DNS at one address, port 53; getsockname() returns the address.
  public struct DNSSockets: Sendable {
    public var udp: PassedDescriptor
    public var tcp: PassedDescriptor

    public init(udp: PassedDescriptor, tcp: PassedDescriptor) {
      self.udp = udp
      self.tcp = tcp
    }
  }

  /// Another version is refused.
  public static let version: UInt8 = 1
  /// Bytes of `id`.
  public static let idLength = 32

  public var mode: Mode
  /// 32 hex digits that the daemon chose for this shell.
  public var id: String
  /// The helper's process id.
  public var pid: UInt32
  /// The listener that gets all TCP connections of the shell.
  public var tcp: PassedDescriptor
  /// The socket that gets all datagrams of the shell, with IP_RECVORIGDSTADDR; absent in `redirect` mode.
  public var udp: PassedDescriptor?
  /// Sends IPv4 packets into the shell, header included; absent if the kernel refused it.
  public var icmp: PassedDescriptor?
  public var dns: [DNSSockets]

  public init(
    mode: Mode, id: String, pid: UInt32, tcp: PassedDescriptor, udp: PassedDescriptor?, icmp: PassedDescriptor?,
    dns: [DNSSockets]
  ) {
    self.mode = mode
    self.id = id
    self.pid = pid
    self.tcp = tcp
    self.udp = udp
    self.icmp = icmp
    self.dns = dns
  }
}

/// A socket that the daemon wants made inside the shell's network namespace. All are non-blocking.
public enum MintedSocket: Sendable {
  /// A TCP socket of family 4 or 6, with which the daemon connects to a port of the user's process.
  case tcp(family: UInt8)
  /// A UDP socket bound to an address that is not the shell's own (IP_TRANSPARENT, SO_REUSEADDR), so that answers leave
  /// from the address that was asked.
  case udp(boundTo: clinux_address)
}
