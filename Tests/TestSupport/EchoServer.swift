import CLinux
import Relay

/// Sends back what it is sent, and ends its direction after the peer's.
public final class EchoServer: Listener {
  public let port: UInt16
  private var connections: [EchoConnection] = []

  public init(loop: EventLoop) {
    let (fd, port) = listening()
    self.port = port
    super.init(loop: loop, fd: fd)
    start()
  }

  public override func accepted(_ connection: Int32, peer: clinux_address) {
    connections.append(EchoConnection(loop: loop, fd: connection))
  }
}

private final class EchoConnection: Handler {
  private let loop: EventLoop
  private var fd: Int32
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
  private static let capacity = 256 << 10
  private var start = 0
  private var end = 0

  init(loop: EventLoop, fd: Int32) {
    self.loop = loop
    self.fd = fd
    super.init()
    loop.watch(fd, self)
  }

  deinit { buffer.deallocate() }

  override func ready(_ events: UInt32) {
    while fd >= 0 {
      while start < end {
        let count = clinux_send(fd, buffer + start, end - start)
        if count == -Int(clinux_EAGAIN) { return }
        if count < 0 { return close(reset: true) }
        start += count
      }
      let count = clinux_receive(fd, buffer, Self.capacity)
      if count == -Int(clinux_EAGAIN) { return }
      if count <= 0 { return close(reset: count < 0) }
      start = 0
      end = count
    }
  }

  private func close(reset: Bool) {
    loop.unwatch(fd)
    loop.unregister(self)
    if reset { clinux_reset(fd) } else { clinux_close(fd) }
    fd = -1
  }
}
