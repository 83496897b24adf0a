import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// One query over a TCP connection of its own (RFC 1035, section 4.2.2), since its answer was too long for a datagram.
/// It has the query's time limit.
final class DNSOverTCP: Handler {
  private let loop: EventLoop
  private unowned(unsafe) let end: DNSEnd
  private let id: UInt16
  private var fd: Int32
  private var outbox: [UInt8]
  private var sent = 0
  private var reader = DatagramReader()

  /// nil if the server cannot be reached.
  init?(loop: EventLoop, end: DNSEnd, id: UInt16, server: clinux_address, message: [UInt8]) {
    var server = server
    fd = clinux_tcp_connect(&server)
    guard fd >= 0 else { return nil }
    self.loop = loop
    self.end = end
    self.id = id
    outbox = [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    while fd >= 0, sent < outbox.count {
      let count = outbox.withUnsafeBytes { clinux_send(fd, $0.baseAddress! + sent, $0.count - sent) }
      if count == -Int(clinux_EAGAIN) { return }
      guard count >= 0 else { return end.failedOverTCP(id) }
      sent += count
    }
    while fd >= 0 {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else { return end.failedOverTCP(id) }
      var input = UnsafeRawBufferPointer(start: loop.scratch, count: count)
      guard let answer = reader.next(&input) else { continue }
      return end.answeredOverTCP(answer, id: id)
    }
  }

  func close() {
    loop.end(self, &fd)
  }
}
