import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A connection accepted on this side, for which a stream is opened. Its first bytes follow the preamble, so that the
/// request of a new connection waits for no round trip.
open class OpenerEnd: SocketEnd {
  /// Nil until the peer has reported the result.
  public private(set) var status: StreamStatus?

  /// Takes over the socket.
  public init(session: Session, slot: Int, fd: Int32, preamble: Preamble) {
    super.init(session: session, slot: slot)
    self.fd = fd
    prefix = [UInt8](repeating: 0, count: preamble.size)
    prefix.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    loop.watch(fd, self)
  }

  open override var mayRead: Bool { status == nil || status == .connected }

  open override func received(_ bytes: UnsafeRawBufferPointer) {
    guard status == nil, let first = bytes.first else { return arrived(bytes) }
    session.consume(self, 1)
    let answer = StreamStatus(rawValue: first) ?? .failed
    status = answer
    #if !hasFeature(Embedded)
      if answer != .connected { tap?.refused() }
    #endif
    answered(answer)
    guard answer == .connected, !isOver else { return }
    flow()
    arrived(UnsafeRawBufferPointer(rebasing: bytes[1...]))
  }

  /// Handles the peer's answer. Unless it is `connected`, the connection is reset, as a refusal would be.
  open func answered(_ status: StreamStatus) {
    if status != .connected { over(reset: true) }
  }
}
