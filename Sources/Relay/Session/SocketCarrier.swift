import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A carrier over a connected socket: the agent's side of a port-forward, and both sides in tests.
public final class SocketCarrier: Carrier {
  private let fd: Int32
  private var sendOffset = 0
  private var sendEnd = 0
  private let receiveBuffer: UnsafeMutableRawPointer
  private static let receiveSize = 128 << 10
  /// Bytes read in one turn before other handlers have theirs.
  private static let turnBudget = 1 << 20

  /// Takes over the descriptor, which is non-blocking.
  public init(loop: EventLoop, fd: Int32) {
    self.fd = fd
    receiveBuffer = .allocate(byteCount: Self.receiveSize, alignment: 16)
    super.init(loop: loop, headroom: 0, capacity: 128 << 10)
  }

  deinit { receiveBuffer.deallocate() }

  public override func start() {
    loop.watch(fd, self)
  }

  public override func ready(_ events: UInt32) {
    if events & clinux_EPOLLOUT != 0, isBusy { flush() }
    if events & (clinux_EPOLLIN | clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 { receive() }
  }

  private func receive() {
    var budget = Self.turnBudget
    while !isClosed {
      let count = clinux_receive(fd, receiveBuffer, Self.receiveSize)
      if count > 0 {
        session?.receive(UnsafeRawBufferPointer(start: receiveBuffer, count: count))
        budget -= count
        if budget <= 0 {
          loop.readAgain(self)
          return
        }
      } else if count == 0 {
        return ended(.closed)
      } else if count == -Int(clinux_EAGAIN) {
        return
      } else {
        return ended(.failed(Int32(-count)))
      }
    }
  }

  public override func send(_ count: Int) {
    sendOffset = 0
    sendEnd = count
    isBusy = true
    flushStaged()
  }

  private func flush() {
    flushStaged()
    if !isBusy, !isClosed { session?.pump() }
  }

  private func flushStaged() {
    while sendOffset < sendEnd {
      let count = clinux_send(fd, staging + sendOffset, sendEnd - sendOffset)
      if count >= 0 {
        sendOffset += count
      } else if count == -Int(clinux_EAGAIN) {
        return
      } else {
        return ended(.failed(Int32(-count)))
      }
    }
    isBusy = false
  }

  public override func close() {
    guard !isClosed else { return }
    super.close()
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
  }
}
