import CSSH2
import Glibc

/// A listening socket of ours to which one connection of this process comes, to become a channel.
struct Arrival: Sendable {
  let listener: Int32
  let host: String
  let port: UInt16
  let report: @Sendable (ChannelEvent) -> Void

  /// The connection, once it is there; the listener is closed then.
  func take() -> Opening? {
    while true {
      let socket = cssh2_accept_own(listener)
      if socket == -EAGAIN { return nil }
      // Somebody else who found the name: the socket has one in this network namespace.
      guard socket != -EPERM, socket != -EINTR, socket != -ECONNABORTED else { continue }
      close(listener)
      return Opening(host: host, port: port, socket: max(socket, -1), report: report)
    }
  }
}
