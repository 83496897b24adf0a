import Agents
import CLinux
import ControlAPI

/// The process on the host that receives the traffic.
public enum HostTarget {
  /// Checks that something is listening there. Takes at most a second.
  public static func listens(_ address: String, port: UInt16) async throws(ControlError) -> Bool {
    guard var target = clinux_address(address, port: port) else {
      throw ControlError(
        .badInput, "'\(address)' is no IP address",
        remedy: "--address takes an address of this host, such as 127.0.0.1.")
    }
    let fd = clinux_tcp_connect(&target)
    guard fd >= 0 else { return false }
    defer { clinux_close(fd) }
    let epoll = clinux_epoll_create()
    defer { clinux_close(epoll) }
    var event = clinux_event()
    guard clinux_epoll_add(epoll, fd, clinux_EPOLLOUT, 0) == 0, clinux_epoll_wait(epoll, &event, 1, 1000) == 1 else {
      return false
    }
    return clinux_socket_error(fd) == 0
  }
}
