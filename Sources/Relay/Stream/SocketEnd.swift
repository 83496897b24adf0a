import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A stream that ends in a TCP socket. Subclasses provide the socket: `OpenerEnd` has one and opens the stream,
/// `AcceptorEnd` gets a stream and connects one.
///
/// Half-closes pass through both ways. Only bytes that the socket does not take at once are copied.
open class SocketEnd: StreamEnd {
  /// Owned; -1 without a socket.
  public internal(set) var fd: Int32 = -1
  /// True if the socket is connected, and the stream is open for payload.
  var isFlowing = false
  /// Bytes for the peer before any payload: a preamble or a status.
  var prefix: [UInt8] = []
  /// Optimistic: data often comes with the connection, and then follows the preamble.
  private var readable = true
  private var writable = false
  private var hungUp = false
  private var readEnded = false
  private var writeEnded = false
  private var peerFinished = false
  private var inbox = ByteQueue()
  /// Bytes on their way to the socket that are not the peer's.
  private var inserted = 0
  public private(set) var isOver = false
  #if !hasFeature(Embedded)
    /// Looks at the payload; nil: nobody does.
    public final var tap: StreamTap?
  #endif

  open override var waitingBytes: Int { inbox.count }

  // MARK: Socket → stream

  open override func ready(_ events: UInt32) {
    if events & clinux_EPOLLOUT != 0 {
      writable = true
      if isFlowing { drain() }
    }
    if events & (clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 { hungUp = true }
    if events & (clinux_EPOLLIN | clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0, !readEnded {
      readable = true
      session.wantsToSend(self)
    }
  }

  open override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    var count = 0
    if !prefix.isEmpty {
      guard capacity > prefix.count else { return .nothing }
      prefix.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      count = prefix.count
      prefix = []
    }
    guard mayRead, readable, !readEnded, fd >= 0, capacity > count else {
      return count > 0 ? .bytes(count, more: false) : .nothing
    }
    let room = capacity - count
    let read = clinux_receive(fd, place + count, room)
    if read > 0 {
      didRead(UnsafeRawBufferPointer(start: place + count, count: read))
      #if !hasFeature(Embedded)
        if let tap { tap.fromSocket(UnsafeRawBufferPointer(start: place + count, count: read)) }
      #endif
      // A short read has emptied the socket, unless its end is behind it (epoll(7), "Questions and answers").
      let more = read == room || hungUp
      if !more { readable = false }
      return .bytes(count + read, more: more)
    }
    if read == 0 {
      if count > 0 { return .bytes(count, more: true) }
      readEnded = true
      #if !hasFeature(Embedded)
        tap?.socketEnded()
      #endif
      return .finished
    }
    readable = false
    if read != -Int(clinux_EAGAIN) { pendingAbort = true }
    return count > 0 ? .bytes(count, more: false) : .nothing
  }

  private var pendingAbort = false {
    didSet { if pendingAbort { loop.schedule(self, after: 0, kind: Self.abortTimer) } }
  }
  static let abortTimer: UInt8 = 255

  open override func timerFired(_ kind: UInt8) {
    if kind == Self.abortTimer { abort() }
    if kind == Self.prefixTimer, !prefix.isEmpty, !isOver { session.wantsToSend(self) }
  }

  /// True if payload may be read from the socket now.
  open var mayRead: Bool { isFlowing }
  /// Sees the bytes that were read, before they are sent.
  open func didRead(_ bytes: UnsafeRawBufferPointer) {}

  open override func produced() { settle() }

  // MARK: Stream → socket

  open override func received(_ bytes: UnsafeRawBufferPointer) { arrived(bytes) }

  /// Takes payload of the peer.
  open func arrived(_ bytes: UnsafeRawBufferPointer) { deliver(bytes) }

  /// Sends bytes of this side's own to the socket, behind those of the peer.
  public final func insert(_ bytes: UnsafeRawBufferPointer) {
    inserted += bytes.count
    deliver(bytes)
  }

  /// Notes payload that the socket has taken: the peer may send as much again.
  private func taken(_ count: Int) {
    let own = min(count, inserted)
    inserted -= own
    session.consume(self, count - own)
  }

  public final func deliver(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty, !isOver else { return }
    #if !hasFeature(Embedded)
      if let tap { tap.fromStream(bytes) }
    #endif
    var taken = 0
    if isFlowing, writable, inbox.isEmpty {
      while taken < bytes.count {
        let count = clinux_send(fd, bytes.baseAddress! + taken, bytes.count - taken)
        if count >= 0 {
          taken += count
        } else if count == -Int(clinux_EAGAIN) {
          writable = false
          break
        } else {
          return abort()
        }
      }
      self.taken(taken)
    }
    guard taken < bytes.count else { return }
    inbox.append(UnsafeRawBufferPointer(rebasing: bytes[taken...]), pool: loop.blocks)
    loop.shedWhileFull()
  }

  private func drain() {
    var taken = 0
    while !inbox.isEmpty {
      let front = inbox.front
      let count = clinux_send(fd, front.baseAddress!, front.count)
      if count >= 0 {
        inbox.drop(count, pool: loop.blocks)
        taken += count
      } else if count == -Int(clinux_EAGAIN) {
        writable = false
        break
      } else {
        return abort()
      }
    }
    if taken > 0 { self.taken(taken) }
    settle()
    if inbox.isEmpty, !isOver { drained() }
  }

  /// Called when the socket has taken all that waited for it.
  open func drained() {}

  /// True while both sides may send more.
  public final var isWhole: Bool { !isOver && !readEnded && !writeEnded && !peerFinished }

  open override func finished() {
    peerFinished = true
    #if !hasFeature(Embedded)
      tap?.streamEnded()
    #endif
    settle()
  }

  // MARK: Ends

  /// Passes on the peer's half-close, and ends when both directions have.
  final func settle() {
    guard isFlowing, !isOver, peerFinished, inbox.isEmpty else { return }
    if readEnded { return over(reset: false) }
    if !writeEnded {
      writeEnded = true
      _ = clinux_shutdown_write(fd)
    }
  }

  open override func wasReset() { over(reset: true) }
  open override func sessionClosed() { over(reset: true) }
  open override func abort() { over(reset: true) }

  /// Gives the socket away: from now on the caller watches and closes it. The stream is released.
  public final func surrenderSocket() -> Int32 {
    let socket = fd
    loop.unwatch(socket)
    fd = -1
    over(reset: true)
    return socket
  }

  /// Gives the socket away, and the stream to another end.
  public final func surrenderSocket(to successor: StreamEnd) -> Int32 {
    session.replace(self, with: successor)
    return surrenderSocket()
  }

  final func over(reset: Bool) {
    guard !isOver else { return }
    isOver = true
    isFlowing = false
    #if !hasFeature(Embedded)
      tap?.closed(reset: reset)
      tap = nil
    #endif
    inbox.removeAll(pool: loop.blocks)
    if fd >= 0 {
      loop.unwatch(fd)
      if reset { clinux_reset(fd) } else { clinux_close(fd) }
      fd = -1
    }
    loop.unregister(self)
    session.release(self)
    ended()
  }

  /// Called once, last.
  open func ended() {}

  /// Starts the flow of payload; epoll will set `writable`.
  final func flow() {
    isFlowing = true
    drain()
    if !isOver { session.wantsToSend(self) }
  }

  /// Starts the flow, but lets the prefix wait for the socket's first bytes, to leave with them; 2 ms at most.
  final func flowTogether() {
    isFlowing = true
    readable = false
    loop.schedule(self, after: 2_000, kind: Self.prefixTimer)
    drain()
  }
  static let prefixTimer: UInt8 = 254
}
