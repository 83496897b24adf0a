import CLinux
import Relay

/// Sends a client a last message. Further bytes of the client are read and dropped, since closing over unread bytes
/// would be a reset, and the message be lost (RFC 1122 section 4.2.2.13).
final class Farewell: Handler {
  private let loop: EventLoop
  private var fd: Int32
  private let bytes: [UInt8]
  private var ended: ((ObjectIdentifier) -> Void)?
  /// µs.
  private static let patience: UInt64 = 2_000_000

  /// Takes over the socket, which no loop watches. The text is short enough for a socket's empty buffer.
  init(loop: EventLoop, fd: Int32, bytes: [UInt8], ended: @escaping (ObjectIdentifier) -> Void) {
    self.loop = loop
    self.fd = fd
    self.bytes = bytes
    self.ended = ended
  }

  func start() {
    if !bytes.isEmpty { _ = bytes.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) } }
    _ = clinux_shutdown_write(fd)
    loop.watch(fd, self)
    loop.schedule(self, after: Self.patience, kind: 0)
  }

  override func ready(_ events: UInt32) {
    while fd >= 0 {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count > 0 { continue }
      if count == -Int(clinux_EAGAIN) { return }
      close()
    }
  }

  override func timerFired(_ kind: UInt8) { close() }

  func close() {
    guard loop.end(self, &fd) else { return }
    let told = ended
    ended = nil
    told?(ObjectIdentifier(self))
  }
}
