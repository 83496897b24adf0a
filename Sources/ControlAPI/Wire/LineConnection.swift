import CControl
import Synchronization
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One end of a connection on the control socket. A thread of its own owns the descriptor; other threads queue lines
/// for it.
///
/// The thread ends, and the descriptor is closed, once both directions have ended or `close` was called.
package final class LineConnection: Sendable {
  private struct State {
    var outgoing: [UInt8] = []
    /// Set to send the queued lines, then the end.
    var finishing = false
    var closing = false
    /// Set once the thread has ended: the eventfd must not be touched any more.
    var closed = false
    var whenClosed: [AsyncStream<Never>.Continuation] = []
    /// The bytes of lines that nobody has taken yet.
    var unread = 0
  }

  /// The peer's lines, for one reader. Ends when the peer's sending side does; fails for a line that is too long. A
  /// reader that does not keep up stops the peer: at most `mostUnread` wait here, and what one receive completes.
  package struct Lines: AsyncSequence, Sendable {
    fileprivate let stream: AsyncThrowingStream<[UInt8], any Error>
    fileprivate let taken: @Sendable (Int) -> Void

    package struct AsyncIterator: AsyncIteratorProtocol {
      fileprivate var lines: AsyncThrowingStream<[UInt8], any Error>.AsyncIterator
      fileprivate let taken: @Sendable (Int) -> Void

      package mutating func next() async throws -> [UInt8]? {
        let line = try await lines.next()
        if let line { taken(line.count) }
        return line
      }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lines: stream.makeAsyncIterator(), taken: taken) }
  }

  package var lines: Lines { Lines(stream: stream) { [self] count in took(count) } }
  /// The bytes of lines that may wait for a reader.
  static let mostUnread = 1 << 20
  private let stream: AsyncThrowingStream<[UInt8], any Error>
  private let state = Mutex(State())
  private let wake: Int32
  /// Small, since each connection has a thread.
  static let stackSize = 256 << 10

  /// Takes ownership of the descriptor, a connected, non-blocking stream socket, even when it throws.
  package init(_ fd: Int32, limit: Int = 4 << 20) throws(ControlError) {
    wake = ccontrol_eventfd()
    guard wake >= 0 else {
      ccontrol_close(fd)
      throw .system("no event descriptor", Int(wake))
    }
    let (lines, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
    stream = lines
    do throws(ThreadError) {
      try startThread("control", stackSize: Self.stackSize) { [self] in
        run(fd, LineSplitter(limit: limit), continuation)
      }
    } catch {
      ccontrol_close(fd)
      ccontrol_close(wake)
      throw ControlError(.failed, error.description)
    }
  }

  /// Queues a line; the newline is added.
  /// - Parameter droppable: true to leave it out if the peer does not keep up.
  package func send(_ line: [UInt8], droppable: Bool = false) {
    change { state in
      if state.finishing || droppable && state.outgoing.count > 64 << 10 { return }
      state.outgoing += line
      state.outgoing.append(UInt8(ascii: "\n"))
    }
  }

  /// The bytes that the peer has not taken yet.
  package var backlog: Int { state.withLock { $0.outgoing.count } }

  /// Ends the sending side after the queued lines; the peer may continue.
  package func finish() { change { $0.finishing = true } }
  /// Ends both directions, once the queued lines are sent or the peer does not take them.
  package func close() {
    change {
      $0.finishing = true
      $0.closing = true
    }
  }

  /// Closes, and returns once all is sent or `limit` is over, for a process that is about to exit. Cancellation does
  /// not shorten the wait.
  package func closeAndWait(atMost limit: Duration) async {
    close()
    let (ends, end) = AsyncStream<Never>.makeStream()
    let alreadyClosed = state.withLock { state in
      if !state.closed { state.whenClosed.append(end) }
      return state.closed
    }
    if alreadyClosed { return }
    let timer = Task {
      try await Task.sleep(for: limit)
      end.finish()
    }
    await Task { for await _ in ends {} }.value
    timer.cancel()
  }

  /// Lets the thread receive again once the reader has taken enough.
  private func took(_ count: Int) {
    state.withLock { state in
      let wasFull = state.unread >= Self.mostUnread
      state.unread -= count
      if wasFull, state.unread < Self.mostUnread, !state.closed { ccontrol_signal(wake) }
    }
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      guard !state.closed else { return }
      body(&state)
      ccontrol_signal(wake)
    }
  }

  // The thread's part.

  private func run(_ fd: Int32, _ splitter: LineSplitter, _ lines: AsyncThrowingStream<[UInt8], any Error>.Continuation)
  {
    var splitter = splitter
    var reading = true
    var sending = true
    while reading || sending {
      let (pending, finishing, closing, full) = state.withLock {
        (!$0.outgoing.isEmpty, $0.finishing, $0.closing, $0.unread >= Self.mostUnread)
      }
      if sending, finishing, !pending {
        sending = false
        _ = ccontrol_shutdown_write(fd)
      }
      if closing, !sending { break }
      guard reading || sending else { break }
      let interest =
        (reading && !full ? Int32(ccontrol_readable) : 0) | (sending && pending ? Int32(ccontrol_writable) : 0)
      let ready = ccontrol_wait(fd, interest, wake)
      guard ready >= 0 else { break }
      if ready & Int32(ccontrol_woken) != 0 { ccontrol_drain(wake) }
      if sending, pending, ready & Int32(ccontrol_writable) != 0 { sending = flush(fd) }
      if reading, !full, ready & Int32(ccontrol_readable) != 0 { reading = receive(fd, &splitter, lines) }
    }
    lines.finish()
    ccontrol_close(fd)
    let waiting = state.withLock { state in
      state.closed = true
      ccontrol_close(wake)
      return state.whenClosed
    }
    waiting.forEach { $0.finish() }
  }

  /// Sends queued bytes.
  /// - Returns: false once the peer accepts nothing any more.
  private func flush(_ fd: Int32) -> Bool {
    state.withLock { state in
      while !state.outgoing.isEmpty {
        let sent = state.outgoing.withUnsafeBytes { ccontrol_send(fd, $0.baseAddress, $0.count) }
        if sent == -Int(EAGAIN) { return true }
        guard sent >= 0 else {
          state.outgoing = []
          state.finishing = true
          return false
        }
        state.outgoing.removeFirst(sent)
      }
      return true
    }
  }

  /// Receives bytes.
  /// - Returns: false once the peer sends nothing any more.
  private func receive(
    _ fd: Int32, _ splitter: inout LineSplitter, _ lines: AsyncThrowingStream<[UInt8], any Error>.Continuation
  ) -> Bool {
    let chunk = 64 << 10
    var received = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
      received = ccontrol_receive(fd, buffer.baseAddress, chunk)
      count = max(0, received)
    }
    if received == -Int(EAGAIN) { return true }
    guard received > 0 else {
      lines.finish()
      return false
    }
    do {
      for line in try splitter.take(bytes) {
        state.withLock { $0.unread += line.count }
        lines.yield(line)
      }
      return true
    } catch {
      lines.finish(throwing: error)
      return false
    }
  }
}
