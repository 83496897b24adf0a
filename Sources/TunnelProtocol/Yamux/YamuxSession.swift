// A yamux session as a state machine: bytes in, events out; it does no I/O and owns no payload.
// Receiving is in YamuxSession+Receive.swift, sending in YamuxSession+Send.swift, in the order in
// which the data meets it.

/// One end of a session (hashicorp/yamux, spec.md).
///
/// Streams are identified by their slot, a small index that is valid until `release(_:)`. Times are µs
/// of a monotonic clock.
public final class YamuxSession {
  /// The side that dialled gives its streams odd numbers, the other even ones.
  public enum Role { case client, server }

  /// The meaning of received bytes for the streams. `bytes` point into the input.
  public enum Event {
    case opened(Int)
    case data(Int, UnsafeRawBufferPointer)
    /// The peer sends no more on this stream.
    case finished(Int)
    case reset(Int)
    /// The peer has given credit to a stream that had none.
    case credit(Int)
    case goAway(UInt32)
    case failed(Violation)
  }

  /// The reason why a session must end. The caller writes pending frames (a go-away) and closes the carrier.
  public enum Violation: UInt8, Error, Sendable {
    case malformedHeader
    case wrongStreamNumber
    case streamOpenedTwice
    case windowExceeded
    case creditOverflow
    case tooManyPings
    case tooManyStreams
  }

  public let role: Role
  public let pool: WindowPool
  /// The limit of open streams; further ones of the peer are reset.
  public let maximumStreams: Int
  /// Open streams, by slot.
  public internal(set) var streamCount = 0
  /// The smallest of the last round trips, µs; nil before the first pong.
  public internal(set) var roundTrip: UInt64?
  /// The latest round trip, µs.
  public internal(set) var lastRoundTrip: UInt64?
  /// The time when the peer was last heard, µs.
  public internal(set) var heardAt: UInt64

  var streams: [StreamState?] = []
  var freeSlots: [Int] = []
  private var ownStreams = StreamIndex()
  private var peerStreams = StreamIndex()
  var nextID: UInt32
  var highestRemoteID: UInt32 = 0

  // Receiving.
  let headerBytes = UnsafeMutableRawPointer.allocate(byteCount: FrameHeader.size, alignment: 8)
  var headerCount = 0
  var header: FrameHeader?
  var payloadLeft = 0
  var payloadSlot: Int?
  var violation: Violation?

  // Sending.
  var queue: [Int] = []
  /// Streams whose frame may wait a moment for others: an ACK for the answer, a FIN that answers one for anything.
  var deferred: [Int] = []
  var queueHead = 0
  var orphanResets: [UInt32] = []
  var pongs: [UInt32] = []
  var pingDue = false
  var pingID: UInt32 = 0
  var pingSentAt: UInt64?
  var goAwayDue: UInt32?
  public internal(set) var goAwaySent = false
  public internal(set) var goAwayReceived = false
  var sampleCount = 0

  public init(role: Role, pool: WindowPool, maximumStreams: Int = 16_384, now: UInt64) {
    self.role = role
    self.pool = pool
    self.maximumStreams = maximumStreams
    nextID = role == .client ? 1 : 2
    heardAt = now
  }

  deinit {
    for slot in streams.indices { giveBackWindow(slot) }
    headerBytes.deallocate()
  }

  /// Opens a stream: its SYN goes with the first frame. Nil if the session is full or going away.
  public func open(now: UInt64) -> Int? {
    guard streamCount < maximumStreams, !goAwayReceived, !goAwaySent, nextID < UInt32.max - 2 else { return nil }
    let id = nextID
    nextID += 2
    let slot = add(StreamState(id: id, greeting: .syn, now: now))
    enqueue(slot)
    return slot
  }

  /// Releases a stream that the relay no longer needs. If either side is still open, the peer gets a reset.
  public func release(_ slot: Int) {
    guard var stream = streams[slot], !stream.released else { return }
    stream.released = true
    if payloadSlot == slot { payloadSlot = nil }  // the rest of its frame is dropped
    stream.updateDue = false  // it would take window from the pool that is never given back
    if !stream.resetReceived && !(stream.finishReceived && (stream.finishSent || stream.finishDue)) {
      stream.resetDue = true
    }
    streams[slot] = stream
    giveBackWindow(slot)
    if stream.resetDue {
      enqueue(slot)
    } else if stream.finishDue {
      enqueueFinish(slot)
    } else if !stream.queued {
      remove(slot)
    }
  }

  func add(_ stream: StreamState) -> Int {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      streams[slot] = stream
    } else {
      slot = streams.count
      streams.append(stream)
    }
    if isOwn(stream.id) { ownStreams.append(stream.id, slot: slot) } else { peerStreams.append(stream.id, slot: slot) }
    streamCount += 1
    return slot
  }

  func remove(_ slot: Int) {
    guard let stream = streams[slot] else { return }
    if isOwn(stream.id) { ownStreams.remove(stream.id) } else { peerStreams.remove(stream.id) }
    streams[slot] = nil
    freeSlots.append(slot)
    streamCount -= 1
  }

  private func isOwn(_ id: UInt32) -> Bool { (id & 1 == 1) == (role == .client) }

  /// Returns the slot of a stream; nil if there is none of this number.
  func slot(of id: UInt32) -> Int? { isOwn(id) ? ownStreams[id] : peerStreams[id] }

  func enqueue(_ slot: Int) {
    guard streams[slot] != nil, !streams[slot]!.queued else { return }
    streams[slot]!.queued = true
    queue.append(slot)
  }

  /// Queues a FIN; if the peer has finished already, it may wait, since hardly anyone waits for it.
  func enqueueFinish(_ slot: Int) {
    if streams[slot]?.finishReceived == true { later(slot) } else { enqueue(slot) }
  }

  /// Defers the stream's frame.
  func later(_ slot: Int) {
    guard streams[slot]?.deferred == false else { return }
    streams[slot]!.deferred = true
    deferred.append(slot)
    if deferred.count == Self.deferredLimit { releaseDeferred() }
  }

  func giveBackWindow(_ slot: Int) {
    guard let stream = streams[slot] else { return }
    pool.giveBack(stream.window - StreamState.initialWindow)
    streams[slot]!.window = StreamState.initialWindow
  }
}
