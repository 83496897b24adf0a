import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// `agent ready`: asks the agent in the same Pod, since the kubelet cannot reach a Pod's loopback itself.
enum ReadinessProbe {
  /// Returns 0 if ready, 1 if not or if no agent answers within two seconds.
  static func run(port: UInt16) -> Int32 {
    var address = clinux_address()
    clinux_parse_address("127.0.0.1", &address)
    address.port = port
    let fd = clinux_tcp_connect(&address)
    guard fd >= 0, wait(fd, clinux_EPOLLOUT), clinux_socket_error(fd) == 0 else { return 1 }
    var query = ReadinessQuery.magic.bigEndian
    guard clinux_send(fd, &query, ReadinessQuery.size) == ReadinessQuery.size, wait(fd, clinux_EPOLLIN) else {
      return 1
    }
    var answer: UInt8 = 0
    return clinux_receive(fd, &answer, 1) == 1 && answer == 1 ? 0 : 1
  }

  private static func wait(_ fd: Int32, _ events: UInt32) -> Bool {
    let epoll = clinux_epoll_create()
    defer { clinux_close(epoll) }
    var event = clinux_event()
    return clinux_epoll_add(epoll, fd, events, 0) == 0 && clinux_epoll_wait(epoll, &event, 1, 2000) == 1
  }
}
