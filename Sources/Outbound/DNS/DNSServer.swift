import CLinux
import Relay

/// The UDP socket for clients' questions: bound to the cluster's DNS address in a shell.
final class DNSServer: Handler {
  private let loop: EventLoop
  private var fd: Int32
  private let resolver: DNSResolver
  private static let turnBudget = 64

  /// Takes over a bound UDP socket.
  init(loop: EventLoop, fd: Int32, resolver: DNSResolver) {
    self.loop = loop
    self.fd = fd
    self.resolver = resolver
    super.init()
    _ = clinux_set_nonblocking(fd)
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    guard events & ~(clinux_EPOLLOUT | clinux_EPOLLET) != 0 else { return }
    var budget = Self.turnBudget
    while fd >= 0 {
      guard budget > 0 else { return loop.readAgain(self) }
      budget -= 1
      var peer = clinux_address()
      // If redirects brought the question here, the answer must leave from the question's destination address, or
      // conntrack does not recognise it.
      var asked = clinux_address()
      let count = clinux_receive_datagram(fd, loop.scratch, EventLoop.scratchSize, &peer, &asked)
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else { continue }  // an empty datagram, or an error of an earlier answer
      let bytes = Array(UnsafeRawBufferPointer(start: loop.scratch, count: count))
      resolver.answer(bytes, overTCP: false) { [weak self] answer in
        guard let self, self.fd >= 0 else { return }
        var (peer, asked) = (peer, asked)
        _ = answer.withUnsafeBytes { clinux_send_datagram(self.fd, $0.baseAddress!, $0.count, &peer, &asked) }
      }
    }
  }

  func close() {
    loop.end(self, &fd)
  }
}
