import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// Two joined sockets of one process, whose bytes do not go through the tunnel: a client of the agent and the origin,
/// or a client of the daemon and a destination that the host reaches itself.
public final class SocketPair {
  private let left: PairSide
  private let right: PairSide
  private var onEnd: (() -> Void)?
  public private(set) var isOver = false

  /// Takes over two connected sockets.
  /// - Parameters:
  ///   - backlog: bytes that were read from `left` before; they go to `right` first.
  ///   - onEnd: called once, when both sockets are closed.
  public init(loop: EventLoop, left: Int32, right: Int32, backlog: [UInt8] = [], onEnd: (() -> Void)? = nil) {
    self.left = PairSide(loop: loop, fd: left)
    self.right = PairSide(loop: loop, fd: right)
    self.onEnd = onEnd
    self.left.other = self.right
    self.right.other = self.left
    self.left.pair = self
    self.right.pair = self
    if !backlog.isEmpty { backlog.withUnsafeBytes { self.right.outbox.append($0, pool: loop.blocks) } }
    loop.watch(left, self.left)
    loop.watch(right, self.right)
    loop.shedWhileFull()
  }

  /// Closes the pair once both sides have sent everything and a FIN.
  fileprivate func sideChanged() {
    if left.outputEnded && right.outputEnded { close(reset: false) }
  }

  /// Closes both sockets.
  /// - Parameter reset: true sends a TCP reset to both peers, and drops bytes that wait.
  public func close(reset: Bool) {
    guard !isOver else { return }
    isOver = true
    for side in [left, right] {
      side.outbox.removeAll(pool: side.loop.blocks)
      side.loop.unwatch(side.fd)
      side.loop.unregister(side)
      if reset { clinux_reset(side.fd) } else { clinux_close(side.fd) }
      side.other = nil
      side.pair = nil
    }
    let callback = onEnd
    onEnd = nil
    callback?()
  }
}

/// One socket of a pair. It reads bytes from its socket for the other side to write.
private final class PairSide: Handler {
  let loop: EventLoop
  let fd: Int32
  var other: PairSide?
  var pair: SocketPair?
  /// Bytes for this socket that it does not take yet.
  var outbox = ByteQueue()
  private var readable = false
  private var writable = false
  private var inputEnded = false
  var outputEnded = false
  /// The number of bytes that this side may read before other connections have their turn.
  private static let turnBudget = 512 << 10

  init(loop: EventLoop, fd: Int32) {
    self.loop = loop
    self.fd = fd
  }

  override func ready(_ events: UInt32) {
    if events & clinux_EPOLLOUT != 0 {
      writable = true
      drain()
      other?.read()
    }
    if events & (clinux_EPOLLIN | clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 {
      readable = true
      read()
    }
  }

  /// Reads and passes bytes to the other side, as long as that side can send them at once.
  func read() {
    var budget = Self.turnBudget
    while readable, !inputEnded, let other, other.outbox.isEmpty {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count > 0 {
        other.write(UnsafeRawBufferPointer(start: loop.scratch, count: count))
        budget -= count
        if budget <= 0 { return loop.readAgain(self) }
      } else if count == 0 {
        inputEnded = true
        other.finishWhenDrained()
      } else if count == -Int(clinux_EAGAIN) {
        readable = false
      } else {
        pair?.close(reset: true)
        return
      }
    }
  }

  /// Sends bytes; the rest that the socket does not take goes to the outbox.
  func write(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while writable, !rest.isEmpty {
      let count = clinux_send(fd, rest.baseAddress!, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if count == -Int(clinux_EAGAIN) {
        writable = false
      } else {
        pair?.close(reset: true)
        return
      }
    }
    guard !rest.isEmpty else { return }
    outbox.append(rest, pool: loop.blocks)
    loop.shedWhileFull()
  }

  override var waitingBytes: Int { outbox.count }
  override func shed() { pair?.close(reset: true) }

  /// Sends the outbox's bytes, then a FIN if the other side has read its peer's.
  private func drain() {
    while writable, !outbox.isEmpty {
      let count = clinux_send(fd, outbox.front.baseAddress!, outbox.front.count)
      if count >= 0 {
        outbox.drop(count, pool: loop.blocks)
      } else if count == -Int(clinux_EAGAIN) {
        writable = false
      } else {
        pair?.close(reset: true)
        return
      }
    }
    if other?.inputEnded == true { finishWhenDrained() }
  }

  /// Sends a FIN if the outbox is empty; otherwise `drain` calls this again.
  func finishWhenDrained() {
    guard outbox.isEmpty, !outputEnded else { return }
    outputEnded = true
    _ = clinux_shutdown_write(fd)
    pair?.sideChanged()
  }
}
