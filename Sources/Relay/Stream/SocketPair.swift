import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// Two joined sockets of one process, whose bytes do not go through the tunnel: a client of the agent and the origin,
/// or a client of the daemon and a destination that the host reaches itself.
open class SocketPair {
  private let left: PairSide
  private let right: PairSide
  private var onEnd: (() -> Void)?
  public private(set) var isOver = false
  /// True once it only sends the bytes that wait.
  public private(set) var isFinishing = false
  public var loop: EventLoop { left.loop }

  /// Takes over two connected sockets.
  /// - Parameters:
  ///   - backlog: bytes that were read from `left` before; they go to `right` first.
  ///   - onEnd: called once, when both sockets are closed.
  public init(loop: EventLoop, left: Int32, right: Int32, backlog: [UInt8] = [], onEnd: (() -> Void)? = nil) {
    self.left = PairSide(loop: loop, fd: left, isLeft: true)
    self.right = PairSide(loop: loop, fd: right, isLeft: false)
    self.onEnd = onEnd
    self.left.other = self.right
    self.right.other = self.left
    self.left.pair = self
    self.right.pair = self
    loop.watch(left, self.left)
    loop.watch(right, self.right)
    if !backlog.isEmpty { backlog.withUnsafeBytes { pass($0, toLeft: false) } }
  }

  // MARK: For subclasses

  /// Passes on bytes that were read from the other socket. A subclass may look at them, and send more of its own.
  open func pass(_ bytes: UnsafeRawBufferPointer, toLeft: Bool) { send(bytes, toLeft: toLeft) }
  /// Called before bytes of the left socket are read, while none wait for either. True if it was surrendered.
  open func takesLeft() -> Bool { false }
  /// True while bytes of the left socket are kept: its end, too, waits until they are sent, or the right one has ended.
  open var keepsLeft: Bool { false }
  /// Called once, when both sockets are closed.
  open func ended() {}

  /// Sends bytes to one of the sockets; those that it does not take at once wait.
  public final func send(_ bytes: UnsafeRawBufferPointer, toLeft: Bool) { (toLeft ? left : right).write(bytes) }

  /// Returns true if bytes of the left socket can be read.
  public final var isLeftReadable: Bool { clinux_has_bytes(left.fd) != 0 }

  /// Gives the left socket away: the caller watches and closes it from now on. The right one is closed.
  public final func surrenderLeft() -> Int32 {
    let socket = left.fd
    onEnd = nil
    close(reset: false, keepsLeft: true)
    return socket
  }

  /// Passes on no more, and closes both sockets once the bytes that wait for them are sent. The left peer gets all of
  /// them: what it still sends is dropped until it has them.
  public final func finish() {
    guard !isOver, !isFinishing else { return }
    isFinishing = true
    left.inputEnded = true
    right.inputEnded = true
    left.lingers = true
    left.read()
    guard !isOver else { return }
    left.finishWhenDrained()
    right.finishWhenDrained()
  }

  /// True while both peers send, and can be sent to.
  public final var isWhole: Bool {
    !left.inputEnded && !right.inputEnded && !left.outputEnded && !right.outputEnded
  }

  /// Closes the pair once both sides have sent everything and a FIN.
  fileprivate func sideChanged() {
    if left.outputEnded && right.outputEnded && !left.lingers { close(reset: false) }
  }

  /// Closes both sockets.
  /// - Parameter reset: true sends a TCP reset to both peers, and drops bytes that wait.
  public final func close(reset: Bool) {
    guard !isOver else { return }
    close(reset: reset, keepsLeft: false)
    ended()
    let callback = onEnd
    onEnd = nil
    callback?()
  }

  private func close(reset: Bool, keepsLeft: Bool) {
    isOver = true
    left.release(reset: reset, keepsSocket: keepsLeft)
    right.release(reset: reset, keepsSocket: false)
  }
}

/// One socket of a pair. It reads bytes from its socket for the other side to write.
private final class PairSide: Handler {
  let loop: EventLoop
  let fd: Int32
  private let isLeft: Bool
  var other: PairSide?
  var pair: SocketPair?
  /// Bytes for this socket that it does not take yet.
  var outbox = ByteQueue()
  private var readable = false
  private var writable = false
  var inputEnded = false
  var outputEnded = false
  /// The number of bytes that this side may read before other connections have their turn.
  private static let turnBudget = 512 << 10
  /// True while bytes of a peer that has not got everything are read and dropped: to close over unread bytes is a
  /// reset, which drops what was sent last (RFC 1122, section 4.2.2.13).
  var lingers = false
  private var lingersUntil: UInt64 = 0
  /// µs between two looks, and at most.
  private static let lingerInterval: UInt64 = 100_000
  private static let lingerLimit: UInt64 = 30_000_000

  init(loop: EventLoop, fd: Int32, isLeft: Bool) {
    self.loop = loop
    self.fd = fd
    self.isLeft = isLeft
  }

  func release(reset: Bool, keepsSocket: Bool) {
    outbox.removeAll(pool: loop.blocks)
    loop.unwatch(fd)
    loop.unregister(self)
    if !keepsSocket { if reset { clinux_reset(fd) } else { clinux_close(fd) } }
    other = nil
    pair = nil
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
    if lingers { return drop() }
    var budget = Self.turnBudget
    while readable, !inputEnded, let other, other.outbox.isEmpty {
      if isLeft, outbox.isEmpty, pair?.takesLeft() == true { return }
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count > 0 {
        pair?.pass(UnsafeRawBufferPointer(start: loop.scratch, count: count), toLeft: !isLeft)
        if other.inputEnded { finishWhenDrained() }
        budget -= count
        if budget <= 0 { return loop.readAgain(self) }
      } else if count == 0 {
        inputEnded = true
        other.finishWhenDrained()
        if other.inputEnded { finishWhenDrained() }
      } else if count == -Int(clinux_EAGAIN) {
        readable = false
      } else {
        pair?.close(reset: true)
        return
      }
    }
  }

  /// Drops what the peer sends.
  private func drop() {
    var budget = Self.turnBudget
    while readable {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) {
        readable = false
      } else if count <= 0 {
        readable = false
        if count < 0 { pair?.close(reset: true) } else if outputEnded { stopLingering() }
      } else {
        budget -= count
        if budget <= 0 { return loop.readAgain(self) }
      }
    }
  }

  override func timerFired(_ kind: UInt8) {
    guard lingers else { return }
    if clinux_unacknowledged(fd) == 0 || loop.now >= lingersUntil { return stopLingering() }
    loop.schedule(self, after: Self.lingerInterval, kind: 0)
  }

  private func stopLingering() {
    lingers = false
    pair?.sideChanged()
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
    guard outbox.isEmpty, !outputEnded, let pair, isLeft || inputEnded || !pair.keepsLeft else { return }
    outputEnded = true
    _ = clinux_shutdown_write(fd)
    if lingers {
      lingersUntil = loop.now + Self.lingerLimit
      loop.schedule(self, after: Self.lingerInterval, kind: 0)
    }
    pair.sideChanged()
  }
}
