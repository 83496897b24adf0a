import CLinux

#if !hasFeature(Embedded)
  import Relay
#endif

/// One name server of a stream: a UDP socket that stays open from the first query on.
final class Nameserver: Handler {
  private let loop: EventLoop
  private unowned(unsafe) let end: DNSEnd
  let address: clinux_address
  private var fd: Int32 = -1
  /// The times of its last answer and of the socket's opening, µs.
  private var heardAt: UInt64 = 0
  private var openedAt: UInt64 = 0

  init(loop: EventLoop, end: DNSEnd, address: clinux_address) {
    self.loop = loop
    self.end = end
    self.address = address
  }

  /// Returns false if the server cannot be reached.
  func send(_ message: [UInt8]) -> Bool {
    if fd < 0 {
      var address = address
      fd = clinux_udp_connect(&address)
      guard fd >= 0 else { return false }
      openedAt = loop.now
      loop.watch(fd, self)
    }
    let sent = clinux_send(fd, message, message.count)
    if sent >= 0 || sent == -Int(clinux_EAGAIN) { return true }
    guard sent == -Int(clinux_ECONNREFUSED) else { return false }
    // That was the answer to an earlier query (udp(7), "Error handling").
    end.refused(by: self)
    return clinux_send(fd, message, message.count) >= 0
  }

  override func ready(_ events: UInt32) {
    while fd >= 0 {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count >= 0 {
        heardAt = loop.now
        end.answered(UnsafeRawBufferPointer(start: loop.scratch, count: count), by: self)
      } else if count == -Int(clinux_ECONNREFUSED) {
        end.refused(by: self)
      } else {
        return
      }
    }
  }

  /// Leaves the socket if nothing has come since `time`; the next query gets one with another port. A Service's rules
  /// may have bound the old one to a Pod that is gone.
  func renew(since time: UInt64) { if openedAt <= time, heardAt < time { close() } }

  func close() {
    loop.end(self, &fd)
  }
}
