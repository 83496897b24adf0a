import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// An object that the loop calls: on readiness of a descriptor, when a timer is due, when it asked to be called again.
open class Handler {
  /// The handler's name in the loop; 0 while it is not registered. Never reused, so that a late event finds no handler.
  public internal(set) var token: UInt64 = 0
  fileprivate var endDue = false

  public init() {}

  /// - Parameter events: `EPOLLIN` and so on (epoll_ctl(2)); edge-triggered.
  open func ready(_ events: UInt32) {}
  /// Called when a timer of `EventLoop.schedule` is due, with its `kind`.
  open func timerFired(_ kind: UInt8) {}
  /// Called after all events of a turn have been handled.
  open func turnEnded() {}
  /// Bytes that wait here for a reader.
  open var waitingBytes: Int { 0 }
  /// Drops the waiting bytes, and the connection with them.
  open func shed() {}
}

/// One thread, one epoll instance: all bytes of a process pass here (epoll(7)).
///
/// Everything it owns belongs to the thread that calls `run()`.
public final class EventLoop {
  let epoll: Int32
  /// µs of the monotonic clock, read once a turn.
  public private(set) var now: UInt64
  public let blocks = BlockPool()
  /// Shared by all streams for reads without another destination; 64 KiB.
  public let scratch = UnsafeMutableRawPointer.allocate(byteCount: 64 << 10, alignment: 16)
  public static let scratchSize = 64 << 10

  /// Connections of all tunnels together.
  public let connections = ConnectionBudget(limit: .max)
  /// The share of one tunnel.
  public var tunnelLimit = Int.max
  #if !hasFeature(Embedded)
    /// Makes the taps of new connections; nil: nobody looks.
    public var taps: TapSource?
  #endif
  /// A descriptor kept for the moment when no other is left.
  private var spare: Int32 = -1

  private var handlers: [Handler?] = []
  private var generations: [UInt32] = []
  private var freeIndexes: [Int] = []
  private var timers = TimerHeap()
  private var isShedDue = false
  private var dirty: [Handler] = []
  private var running: [Handler] = []
  private var again: [UInt64] = []
  private var stopping = false

  /// - Returns: nil if the kernel gives no epoll instance.
  public init?() {
    epoll = clinux_epoll_create()
    now = clinux_monotonic_us()
    if epoll < 0 { return nil }
    spare = clinux_eventfd()
  }

  deinit {
    clinux_close(epoll)
    if spare >= 0 { clinux_close(spare) }
    scratch.deallocate()
  }

  // MARK: Registration

  /// Gives the handler a token, which timers and descriptors need.
  public func register(_ handler: Handler) {
    guard handler.token == 0 else { return }
    let index: Int
    if let free = freeIndexes.popLast() {
      index = free
      handlers[index] = handler
    } else {
      index = handlers.count
      handlers.append(handler)
      generations.append(1)
    }
    handler.token = UInt64(generations[index]) << 32 | UInt64(index)
  }

  /// Ends the handler's timers and events. The caller closes descriptors.
  public func unregister(_ handler: Handler) {
    guard handler.token != 0 else { return }
    let index = Int(handler.token & 0xffff_ffff)
    handler.token = 0
    handlers[index] = nil
    generations[index] &+= 1
    if generations[index] == 0 { generations[index] = 1 }
    freeIndexes.append(index)
  }

  private func handler(_ token: UInt64) -> Handler? {
    let index = Int(token & 0xffff_ffff)
    guard index < handlers.count, let handler = handlers[index], handler.token == token else { return nil }
    return handler
  }

  /// Watches a descriptor for reading and writing, edge-triggered. Returns 0 or -errno.
  @discardableResult
  public func watch(_ fd: Int32, _ handler: Handler) -> Int32 {
    register(handler)
    return clinux_epoll_add(
      epoll, fd, clinux_EPOLLIN | clinux_EPOLLOUT | clinux_EPOLLRDHUP | clinux_EPOLLET, handler.token)
  }

  /// Takes a descriptor out of the loop; call it before closing the descriptor.
  public func unwatch(_ fd: Int32) { clinux_epoll_remove(epoll, fd) }

  /// Unregisters a handler, and closes the one descriptor that it watches, which becomes -1.
  /// - Returns: false if the descriptor was -1 before: nothing is done then.
  @discardableResult
  public func end(_ handler: Handler, _ fd: inout Int32) -> Bool {
    guard fd >= 0 else { return false }
    unwatch(fd)
    unregister(handler)
    clinux_close(fd)
    fd = -1
    return true
  }

  /// Takes one connection of a listening socket when descriptors have run out, by the one kept for this, and resets it,
  /// so that its client learns at once.
  /// - Returns: false if there was no connection, or no spare descriptor.
  public func turnAway(_ listening: Int32) -> Bool {
    guard spare >= 0 else {
      spare = clinux_eventfd()
      return false
    }
    clinux_close(spare)
    var peer = clinux_address()
    let connection = clinux_accept(listening, &peer)
    if connection >= 0 { clinux_reset(connection) }
    spare = clinux_eventfd()
    return connection >= 0
  }

  // MARK: Memory

  /// Resets the largest holders while too many bytes wait for readers that have stopped; the others continue. It
  /// happens at the end of the turn: a handler that ends may not touch those whose bytes are being passed on.
  public func shedWhileFull() { isShedDue = true }

  private func shed() {
    isShedDue = false
    while blocks.held > blocks.limit {
      var largest: Handler?
      for case .some(let handler) in handlers where handler.waitingBytes > (largest?.waitingBytes ?? 0) {
        largest = handler
      }
      let before = blocks.held
      largest?.shed()
      guard blocks.held < before else { return }
    }
  }

  // MARK: Later

  /// Calls `timerFired(kind)` after `delay` µs, unless the handler is unregistered before. Timers cannot be cancelled:
  /// a handler ignores calls that it no longer needs.
  public func schedule(_ handler: Handler, after delay: UInt64, kind: UInt8) {
    register(handler)
    timers.insert(TimerHeap.Entry(deadline: now + delay, token: handler.token, kind: kind))
  }

  /// Calls `turnEnded()` once when this turn's events are done.
  public func atTurnEnd(_ handler: Handler) {
    guard !handler.endDue else { return }
    handler.endDue = true
    dirty.append(handler)
  }

  /// Calls `ready(EPOLLIN)` in the next turn: for a reader that stopped early.
  public func readAgain(_ handler: Handler) { again.append(handler.token) }

  /// Ends `run()` after the current turn; on the loop's thread.
  public func stop() { stopping = true }

  // MARK: Turns

  /// Runs turns until `stop()`.
  public func run() {
    while !stopping { turn(maximumWait: nil) }
    stopping = false
  }

  /// Runs one turn: waits (ms; nil: until something is due), then handles everything ready.
  public func turn(maximumWait: Int32?) {
    withUnsafeTemporaryAllocation(of: clinux_event.self, capacity: 128) { events in
      let count = clinux_epoll_wait(epoll, events.baseAddress!, 128, waitTime(maximumWait))
      now = clinux_monotonic_us()
      if !again.isEmpty {
        let due = again
        again.removeAll(keepingCapacity: true)
        for token in due { handler(token)?.ready(clinux_EPOLLIN) }
      }
      if count > 0 { for index in 0..<Int(count) { handler(events[index].token)?.ready(events[index].events) } }
      while let due = timers.popDue(now) { handler(due.token)?.timerFired(due.kind) }
      endTurn()
    }
  }

  private func endTurn() {
    repeat {
      if isShedDue { shed() }
      swap(&dirty, &running)
      for handler in running {
        handler.endDue = false
        handler.turnEnded()
      }
      running.removeAll(keepingCapacity: true)
    } while !dirty.isEmpty || isShedDue
  }

  private func waitTime(_ maximum: Int32?) -> Int32 {
    if !again.isEmpty || !dirty.isEmpty { return 0 }
    guard let deadline = timers.nextDeadline else { return maximum ?? -1 }
    let current = clinux_monotonic_us()
    let milliseconds =
      deadline <= current ? 0 : Int32(truncatingIfNeeded: min((deadline - current + 999) / 1000, 60_000))
    return maximum.map { min($0, milliseconds) } ?? milliseconds
  }
}
