import CLinux
import Glibc

/// Connects to the first address of a host that answers.
/// - Returns: a non-blocking, close-on-exec socket, the caller's.
/// - Throws: `BastionError.unreachable` with the last address's error.
func connectTCP(
  _ settings: BastionSettings, until deadline: ContinuousClock.Instant, _ wake: Int32, isCancelled: () -> Bool
) throws(BastionError) -> Int32 {
  var hints = addrinfo()
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  hints.ai_flags = AI_NUMERICSERV
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(settings.host, String(settings.port), &hints, &list)
  guard code == 0 else { throw .unreachable(host: settings.name, cause: String(cString: gai_strerror(code))) }
  defer { freeaddrinfo(list) }
  var problem = "the name has no address"
  var next = list
  while let entry = next?.pointee {
    next = entry.ai_next
    // Addresses share the remaining time; the last one gets all of it.
    let now = ContinuousClock.now
    let limit = next == nil ? deadline : min(deadline, now + .seconds(5))
    switch attempt(entry, until: limit, wake, isCancelled) {
    case .success(let socket): return socket
    case .failure(let failure): problem = failure.text
    }
    if isCancelled() { throw .closed(host: settings.name) }
  }
  throw .unreachable(host: settings.name, cause: problem)
}

private struct ConnectFailure: Error { var text: String }

private func attempt(
  _ entry: addrinfo, until limit: ContinuousClock.Instant, _ wake: Int32, _ isCancelled: () -> Bool
) -> Result<Int32, ConnectFailure> {
  let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  let fd = socket(entry.ai_family, flags, entry.ai_protocol)
  guard fd >= 0 else { return .failure(ConnectFailure(text: String(cString: strerror(errno)))) }
  var code = connect(fd, entry.ai_addr, entry.ai_addrlen) == 0 ? 0 : errno
  while code == EINPROGRESS {
    clinux_eventfd_drain(wake)
    let left = limit - .now
    guard left > .zero, !isCancelled() else {
      clinux_close(fd)
      return .failure(ConnectFailure(text: "no answer in time"))
    }
    var entries = [
      pollfd(fd: fd, events: Int16(POLLOUT), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
    ]
    poll(&entries, 2, left.pollMilliseconds)
    if entries[0].revents != 0 { code = clinux_socket_error(fd) }
  }
  guard code == 0 else {
    clinux_close(fd)
    return .failure(ConnectFailure(text: String(cString: strerror(abs(code)))))
  }
  clinux_no_delay(fd)
  return .success(fd)
}
