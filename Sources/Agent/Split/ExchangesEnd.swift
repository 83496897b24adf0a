#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A stream that brings a daemon the requests of a port as they end. A report that it does not take in time is
/// dropped and counted: no request waits for it.
final class ExchangesEnd: ServedEnd {
  private let listener: InboundListener
  private let outbox = RawBytes()
  /// The next one of the port.
  private(set) var next: ExchangesEnd?
  private var dropped: UInt32 = 0
  private static let limit = 64 << 10

  init(session: Session, slot: Int, listener: InboundListener) {
    self.listener = listener
    super.init(session: session, slot: slot)
    next = listener.watcher
    listener.watcher = self
    answer(.connected)
  }

  /// Sends a record.
  func offer(_ request: WatchedRequest, holder: UInt64, duration: UInt64) {
    guard outbox.count + request.text.count + WatchedRecord.headSize <= Self.limit else {
      dropped &+= 1
      return
    }
    WatchedRecord.writeHead(
      to: outbox.room(WatchedRecord.headSize), holder: holder, duration: duration, up: UInt64(request.up),
      down: UInt64(request.down), status: UInt16(truncatingIfNeeded: request.status),
      grpcStatus: UInt8(truncatingIfNeeded: request.grpcStatus), isHTTP2: request.stream != 0,
      method: request.methodSize, text: request.text.count)
    outbox.added(WatchedRecord.headSize)
    outbox.append(request.text.all)
    session.wantsToSend(self)
  }

  override func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    if outbox.isEmpty, dropped > 0 {
      outbox.append32(WatchedRecord.droppedMark)
      outbox.append32(dropped)
      dropped = 0
    }
    let count = min(outbox.count, capacity)
    guard count > 0, let bytes = outbox.all.baseAddress else { return .nothing }
    place.copyMemory(from: bytes, byteCount: count)
    outbox.drop(count)
    return .bytes(count, more: !outbox.isEmpty || dropped > 0)
  }

  override var waitingBytes: Int { outbox.count }
  override func inputEnded() { over() }

  override func closed() {
    guard listener.watcher !== self else {
      listener.watcher = next
      return
    }
    var before = listener.watcher
    while let one = before, one.next !== self { before = one.next }
    before?.next = next
  }
}

extension InboundListener {
  /// A session needs one such stream for a port.
  func isWatched(by session: Session) -> Bool {
    var one = watcher
    while let each = one {
      if each.session === session { return true }
      one = each.next
    }
    return false
  }
}
