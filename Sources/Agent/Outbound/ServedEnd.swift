import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A stream that the daemon opened and that this process serves itself: a status, then the subclass's
/// payload, then a FIN.
class ServedEnd: StreamEnd {
  private var status: StreamStatus?
  private var isRefused = false
  private(set) var isServing = false
  private(set) var peerFinished = false
  private(set) var isOver = false
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

  /// Produces the bytes behind the status, as `produce`. A stream may have a single byte of credit, which
  /// must be used if there are bytes.
  func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced { .nothing }
  /// Called when the opener sends no more.
  func inputEnded() {}
  /// Called once, last: descriptors are closed here.
  func closed() {}

  /// Resets the stream, behind its status. Not to be called from `payload`, which has `fail`.
  final func reset() {
    hasFailed = true
    if status == nil { over() } else { session.wantsToSend(self) }
  }

  /// Resets the stream once the bytes that `payload` returns have been staged.
  final func fail() { hasFailed = true }

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
