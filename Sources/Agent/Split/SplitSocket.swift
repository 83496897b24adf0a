import CLinux

#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
#endif

/// One socket of a split connection: the client's, or that of way 0. It exists before it is connected, and stays until
/// its bytes are sent when the connection is over.
final class SplitSocket: Handler {
  private let loop: EventLoop
  private let side: SplitSide
  /// Nil once the connection does not need it any more.
  private var connection: SplitConnection?
  private var fd: Int32 = -1
  /// Bytes that the socket does not take yet.
  private var outbox = ByteQueue()
  private var readable = false
  private var writable = false
  private var hungUp = false
  private var inputEnded = false
  private var outputEnded = false
  /// True if a FIN follows the outbox.
  private var finishesOutput = false
  /// True once writing has failed.
  private(set) var isBroken = false
  private(set) var isReleased = false

  /// True while bytes of a peer that has not got everything are read and dropped: to close over unread bytes is a
  /// reset, which drops what was sent last (RFC 1122, section 4.2.2.13).
  private var lingers = false
  private var lingersUntil: UInt64 = 0
  private var onRelease: (() -> Void)?
  /// The number of reads before other connections have their turn.
  private static let turnBudget = 8
  /// µs between two looks, and at most.
  private static let lingerInterval: UInt64 = 100_000
  private static let lingerLimit: UInt64 = 30_000_000
  static let lingerTimer: UInt8 = 0
  static let connectionTimer: UInt8 = 1
  static let endTimer: UInt8 = 2
  /// The bytes that waited at the last look, once the connection is over.
  private var waitedAtLook = 0

  init(connection: SplitConnection, loop: EventLoop, side: SplitSide) {
    self.connection = connection
    self.loop = loop
    self.side = side
  }

  /// Takes over a connected socket.
  func connected(_ fd: Int32) {
    self.fd = fd
    loop.watch(fd, self)
  }

  var queued: Int { outbox.count }

  // MARK: Events

  override func ready(_ events: UInt32) {
    if events & (clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 { hungUp = true }
    if events & clinux_EPOLLOUT != 0 {
      writable = true
      drain()
    }
    if events & (clinux_EPOLLIN | clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 { readable = true }
    if let connection { connection.run() } else if lingers { drop() }
  }

  override func turnEnded() { connection?.turnEnded() }

  override func timerFired(_ kind: UInt8) {
    if kind == Self.connectionTimer {
      connection?.timeIsOver()
    } else if kind == Self.endTimer {
      guard connection == nil, !outbox.isEmpty else { return }
      // A peer that has taken nothing for so long never will.
      if outbox.count == waitedAtLook { return release(reset: true) }
      waitedAtLook = outbox.count
      loop.schedule(self, after: Self.lingerLimit, kind: Self.endTimer)
    } else if lingers {
      if clinux_unacknowledged(fd) == 0 || loop.now >= lingersUntil { return release(reset: false) }
      loop.schedule(self, after: Self.lingerInterval, kind: Self.lingerTimer)
    }
  }

  override var waitingBytes: Int { outbox.count + (side == .client ? connection?.heldBytes ?? 0 : 0) }
  override func shed() { if let connection { connection.abort() } else { release(reset: true) } }

  // MARK: Bytes

  /// Reads once, and passes the bytes or the end on. Returns true if there was something.
  func read() -> Bool {
    guard readable, !inputEnded, let connection else { return false }
    let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
    if count > 0 {
      // A short read has emptied the socket, unless its end is behind it (epoll(7), "Questions and answers").
      if count < EventLoop.scratchSize, !hungUp { readable = false }
      connection.received(UnsafeRawBufferPointer(start: loop.scratch, count: count), from: side)
    } else if count == 0 {
      inputEnded = true
      connection.ended(side)
    } else {
      readable = false
      guard count != -Int(clinux_EAGAIN) else { return false }
      connection.failed(side)
    }
    return true
  }

  /// Sends bytes; the rest that the socket does not take goes to the outbox.
  func write(_ bytes: UnsafeRawBufferPointer) {
    guard !isReleased, !isBroken else { return }
    var rest = bytes
    while writable, !rest.isEmpty {
      let count = clinux_send(fd, rest.baseAddress!, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if count == -Int(clinux_EAGAIN) {
        writable = false
      } else {
        return broke()
      }
    }
    guard !rest.isEmpty else { return }
    outbox.append(rest, pool: loop.blocks)
    loop.register(self)
    loop.shedWhileFull()
  }

  private func drain() {
    while writable, !outbox.isEmpty {
      let count = clinux_send(fd, outbox.front.baseAddress!, outbox.front.count)
      if count >= 0 {
        outbox.drop(count, pool: loop.blocks)
      } else if count == -Int(clinux_EAGAIN) {
        writable = false
      } else {
        return broke()
      }
    }
    finishWhenDrained()
  }

  /// Notes that the peer is gone. The connection hears of it at the end of the turn, since it may be in the middle of
  /// something.
  private func broke() {
    isBroken = true
    outbox.removeAll(pool: loop.blocks)
    if connection == nil { release(reset: true) } else { loop.atTurnEnd(self) }
  }

  /// Sends a FIN after the bytes that wait.
  func finishOutput() {
    finishesOutput = true
    finishWhenDrained()
  }

  private func finishWhenDrained() {
    guard finishesOutput, outbox.isEmpty, !outputEnded, fd >= 0, !isBroken else { return }
    outputEnded = true
    _ = clinux_shutdown_write(fd)
    guard connection == nil else { return }
    guard lingers else { return release(reset: false) }
    lingersUntil = loop.now + Self.lingerLimit
    loop.schedule(self, after: Self.lingerInterval, kind: Self.lingerTimer)
  }

  // MARK: The end

  /// Leaves the connection: sends what waits and a FIN, and closes.
  /// - Parameters:
  ///   - lingers: true to wait until the peer has got everything.
  ///   - onRelease: called once, when the socket is closed.
  func finish(lingers: Bool, onRelease: (() -> Void)? = nil) {
    self.onRelease = onRelease
    connection = nil
    self.lingers = lingers
    guard !isBroken else { return release(reset: true) }
    if fd < 0, outbox.isEmpty { return release(reset: false) }
    // If the FIN was sent before, what follows it is still due.
    outputEnded = false
    if lingers { drop() }
    if !isReleased { finishOutput() }
    guard !isReleased, !outbox.isEmpty else { return }
    waitedAtLook = outbox.count
    loop.schedule(self, after: Self.lingerLimit, kind: Self.endTimer)
  }

  /// Drops what the peer sends.
  private func drop() {
    var budget = Self.turnBudget
    while readable, !isReleased {
      guard budget > 0 else { return loop.readAgain(self) }
      budget -= 1
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) {
        readable = false
      } else if count <= 0 {
        readable = false
        if count < 0 || outputEnded { release(reset: count < 0) }
      }
    }
  }

  /// Closes at once.
  func release(reset: Bool) {
    guard !isReleased else { return }
    isReleased = true
    connection = nil
    outbox.removeAll(pool: loop.blocks)
    if fd >= 0 {
      loop.unwatch(fd)
      if reset { clinux_reset(fd) } else { clinux_close(fd) }
      fd = -1
    }
    loop.unregister(self)
    let told = onRelease
    onRelease = nil
    told?()
  }
}
