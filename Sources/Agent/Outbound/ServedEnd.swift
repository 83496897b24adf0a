import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The agent's end of a stream that the daemon opened and the agent itself serves, such as DNS or files. It sends a
/// status, then the subclass's payload, then a FIN.
class ServedEnd: StreamEnd {
  private var status: StreamStatus?
  private var isRefused = false
  /// True from the status `connected` until the stream is over.
  private(set) var isServing = false
  /// True once the opener sends no more.
  private(set) var peerFinished = false
  private(set) var isOver = false
  /// True once the payload has ended, and the FIN is due.
  private var hasFinished = false
  private var hasFailed = false

  override init(session: Session, slot: Int) {
    super.init(session: session, slot: slot)
    loop.register(self)
  }

  // MARK: For subclasses

  /// Reports the status to the opener, once; anything but `connected` ends the stream.
  final func answer(_ status: StreamStatus) {
    guard !isOver, !isServing, !isRefused else { return }
    self.status = status
    isServing = status == .connected
    isRefused = !isServing
    session.wantsToSend(self)
  }

  /// Writes at most `capacity` bytes of the payload; the result is that of `produce`. The capacity may be one byte,
  /// which must be used if any bytes are left.
  func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced { .nothing }
  /// Called when the opener sends no more, unless the stream is over then.
  func inputEnded() {}
  /// Called once, as the last function: close descriptors here.
  func closed() {}

  /// Resets the stream after its status has been sent. `payload` must call `fail` instead.
  final func reset() {
    hasFailed = true
    if status == nil { over() } else { session.wantsToSend(self) }
  }

  /// Resets the stream once the bytes that `payload` returns have been staged.
  final func fail() { hasFailed = true }

  /// Releases the stream at once. If one direction is still open, the opener gets a reset.
  final func over() {
    guard !isOver else { return }
    isOver = true
    isServing = false
    closed()
    loop.unregister(self)
    session.release(self)
  }

  // MARK: The stream

  final override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !isOver else { return .nothing }
    var count = 0
    if let status {
      self.status = nil
      place.storeByte(status.rawValue, 0)
      count = 1
    }
    guard isServing, !hasFailed, capacity > count else { return count > 0 ? .bytes(count, more: isServing) : .nothing }
    let outcome = payload(into: place + count, capacity: capacity - count)
    switch outcome {
    case .bytes(let written, let more): return .bytes(count + written, more: more && !hasFailed)
    case .nothing:
      if hasFailed, count == 0 { over() }
      return count > 0 ? .bytes(count, more: false) : .nothing
    case .finished:
      if count > 0 { return .bytes(count, more: true) }
      hasFinished = true
      return .finished
    }
  }

  final override func produced() {
    if isRefused || hasFailed || (hasFinished && peerFinished) { over() }
  }

  override func received(_ bytes: UnsafeRawBufferPointer) { session.consume(self, bytes.count) }

  final override func finished() {
    peerFinished = true
    if hasFinished { over() } else { inputEnded() }
  }

  final override func wasReset() { over() }
  final override func sessionClosed() { over() }
  final override func abort() { over() }
}
