import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// Two joined sockets of one process: the agent's connections to the origin without the tunnel.
public final class SocketPair {
  private let left: PairSide
  private let right: PairSide
  private var onEnd: (() -> Void)?
  public private(set) var isOver = false

  /// Takes over two connected sockets. `backlog` was read from `left` before and goes to `right` first.
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

  fileprivate func sideChanged() {
    if left.outputEnded && right.outputEnded { close(reset: false) }
  }

  /// Closes both sockets, with a TCP reset if asked.
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
    let told = onEnd
    onEnd = nil
    told?()
  }
}

/// One socket of a pair: reads for the other, writes the bytes that the other has read.
private final class PairSide: Handler {
  let loop: EventLoop
  let fd: Int32
  var other: PairSide?
  var pair: SocketPair?
  var outbox = ByteQueue()
  private var readable = false
  private var writable = false
  private var inputEnded = false
  var outputEnded = false
  /// Bytes moved in one turn before others have theirs.
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

  /// Moves bytes to the other side while it takes them.
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

  func finishWhenDrained() {
    guard outbox.isEmpty, !outputEnded else { return }
    outputEnded = true
    _ = clinux_shutdown_write(fd)
    pair?.sideChanged()
  }
}
