#if !hasFeature(Embedded)
  import TunnelProtocol

  /// One of two joined streams of two sessions: bytes, half-closes and resets that arrive at one leave by the other,
  /// both ways. Both sessions belong to one loop.
  ///
  /// Bytes that the other session does not take at once wait here. The peer gets credit for them only once they have
  /// left, so that at most this stream's window ever waits.
  public class JoinedEnd: StreamEnd {
    fileprivate var other: JoinedEnd?
    /// Bytes for the peer before any payload: a status or a preamble.
    fileprivate var prefix: [UInt8] = []
    /// Received, and not sent by `other` yet.
    private var inbox = ByteQueue()
    private var peerFinished = false
    private var finishSent = false
    public private(set) var isOver = false

    public final override var waitingBytes: Int { inbox.count }

    // MARK: In

    public override func received(_ bytes: UnsafeRawBufferPointer) { keep(bytes) }

    fileprivate final func keep(_ bytes: UnsafeRawBufferPointer) {
      guard !bytes.isEmpty, !isOver else { return }
      inbox.append(bytes, pool: loop.blocks)
      loop.register(self)
      loop.shedWhileFull()
      passOn()
    }

    public override func finished() {
      peerFinished = true
      passOn()
    }

    private func passOn() { if let other, !isOver { other.session.wantsToSend(other) } }

    // MARK: Out

    public final override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
      guard capacity > prefix.count else { return .nothing }
      prefix.withUnsafeBytes { if let base = $0.baseAddress { place.copyMemory(from: base, byteCount: $0.count) } }
      var count = prefix.count
      prefix = []
      guard let other else { return count > 0 ? .bytes(count, more: false) : .nothing }
      count += other.take(into: place + count, room: capacity - count)
      let isLast = other.peerFinished && other.inbox.isEmpty && !finishSent
      if count > 0 { return .bytes(count, more: isLast || !other.inbox.isEmpty) }
      guard isLast else { return .nothing }
      finishSent = true
      return .finished
    }

    /// Moves waiting bytes into another session's frame.
    private func take(into place: UnsafeMutableRawPointer, room: Int) -> Int {
      var taken = 0
      while taken < room, !inbox.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: inbox.front.prefix(room - taken))
        (place + taken).copyMemory(from: part.baseAddress!, byteCount: part.count)
        taken += part.count
        inbox.drop(part.count, pool: loop.blocks)
      }
      if taken > 0 { session.consume(self, taken) }
      return taken
    }

    public override func produced() {
      if let other, finishSent, other.finishSent { end() }
    }

    // MARK: Ends

    public override func wasReset() { end() }
    public override func sessionClosed() { end() }
    public final override func abort() { end() }

    /// Ends both streams. If a direction is still open, its peer gets a reset.
    fileprivate final func end() {
      guard !isOver else { return }
      isOver = true
      let other = other
      self.other = nil
      inbox.removeAll(pool: loop.blocks)
      loop.unregister(self)
      session.release(self)
      ended()
      other?.lost()
    }

    /// Called when the other stream has ended.
    fileprivate func lost() { end() }

    /// Called once, last.
    fileprivate func ended() {}
  }

  /// A stream that the peer opened, joined to one that this side opens in another session.
  public final class JoinedAcceptorEnd: JoinedEnd {
    private let router: StreamRouter
    private let preamble: Preamble
    private let onFailure: (StreamStatus) -> Void
    private var answer: StreamStatus?

    /// - Parameter onFailure: called at most once, if the stream of `join` could not be connected, or the
    ///   peer gave up before it was known.
    public init(
      session: Session, slot: Int, preamble: Preamble, router: StreamRouter, onFailure: @escaping (StreamStatus) -> Void
    ) {
      self.router = router
      self.preamble = preamble
      self.onFailure = onFailure
      super.init(session: session, slot: slot)
    }

    /// Opens the other stream; the first bytes of this one follow its preamble at once.
    public func join(_ session: Session, by preamble: Preamble) {
      guard !isOver, answer == nil, other == nil else { return }
      let opened = session.open { slot in
        let end = JoinedOpenerEnd(session: session, slot: slot, acceptor: self, preamble: preamble)
        other = end
        return end
      }
      if opened == nil { refuse(session.isOpen && !session.isClosed ? .exhausted : .unreachable) }
    }

    /// Reports to the opener that the stream could not be connected.
    public func refuse(_ status: StreamStatus) {
      guard !isOver, answer == nil else { return }
      let opened = other
      other = nil
      opened?.forget()
      answered(status)
      router.refused(preamble, status)
      onFailure(status)
    }

    /// Passes the other side's answer to the peer, with the first payload.
    fileprivate func answered(_ status: StreamStatus) {
      answer = status
      prefix = [status.rawValue]
      session.wantsToSend(self)
    }

    public override func produced() {
      if let answer, answer != .connected { end() } else { super.produced() }
    }

    /// Informs the opener if there was no answer yet: it may have another route.
    fileprivate override func lost() {
      other = nil
      if answer == nil { refuse(.unreachable) } else { end() }
    }

    fileprivate override func ended() {
      router.ended(self, preamble)
      if answer == nil { onFailure(.timedOut) }
    }
  }

  /// The stream opened for a `JoinedAcceptorEnd`.
  private final class JoinedOpenerEnd: JoinedEnd {
    private var isAnswered = false

    init(session: Session, slot: Int, acceptor: JoinedAcceptorEnd, preamble: Preamble) {
      super.init(session: session, slot: slot)
      other = acceptor
      prefix = [UInt8](repeating: 0, count: preamble.size)
      prefix.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    }

    override func received(_ bytes: UnsafeRawBufferPointer) {
      guard !isAnswered, let first = bytes.first else { return keep(bytes) }
      isAnswered = true
      session.consume(self, 1)
      guard let acceptor = other as? JoinedAcceptorEnd else { return }
      let status = StreamStatus(rawValue: first) ?? .failed
      guard status == .connected else { return acceptor.refuse(status) }
      acceptor.answered(status)
      keep(UnsafeRawBufferPointer(rebasing: bytes[1...]))
    }

    /// Treats an end before an answer as no answer.
    override func finished() { if isAnswered { super.finished() } else { end() } }
  }

  extension JoinedEnd {
    /// Ends this stream alone.
    fileprivate func forget() {
      other = nil
      end()
    }
  }
#endif
