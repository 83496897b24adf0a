// Sending. The relay pulls: when the carrier has room, it asks for control frames, then reads payload from its sockets
// straight behind a header of ours. Only facts are queued here (a credit is due, a stream has ended).

extension YamuxSession {
  /// Returns the bytes that may be sent on a stream now.
  public func sendCredit(_ slot: Int) -> Int {
    guard let stream = streams[slot], !stream.resetReceived, !stream.resetDue, !stream.finishSent, !stream.finishDue
    else { return 0 }
    return stream.sendCredit
  }

  /// Writes the header of a data frame whose `count` bytes of payload are (or will be) right behind it.
  ///
  /// `count` is at most `sendCredit(slot)`.
  public func writeDataHeader(_ slot: Int, count: Int, to bytes: UnsafeMutableRawPointer) {
    guard let stream = streams[slot] else { return }
    streams[slot]!.sendCredit -= count
    streams[slot]!.greeting = []
    FrameHeader(.data, flags: stream.greeting, stream: stream.id, length: UInt32(count)).write(to: bytes)
  }

  /// Ends our direction of this stream: FIN is sent behind the written bytes.
  public func finish(_ slot: Int) {
    guard let stream = streams[slot], !stream.finishSent, !stream.resetReceived else { return }
    streams[slot]!.finishDue = true
    enqueueFinish(slot)
  }

  /// Ends both directions at once.
  public func reset(_ slot: Int) {
    guard let stream = streams[slot], !stream.resetReceived else { return }
    streams[slot]!.resetDue = true
    enqueue(slot)
  }

  /// Notes that `count` received bytes have left the relay: the peer may get them again as credit.
  public func consume(_ slot: Int, _ count: Int, now: UInt64) {
    guard var stream = streams[slot] else { return }
    stream.consumed += count
    if stream.consumed >= stream.updateThreshold, !stream.updateDue, !stream.finishReceived, !stream.resetReceived {
      stream.updateDue = true
      streams[slot] = stream
      enqueue(slot)
    } else {
      streams[slot] = stream
    }
  }

  /// The number of deferred frames that ends their waiting, well below the 256 streams that HashiCorp's yamux opens
  /// without any ACK ("AcceptBacklog").
  static let deferredLimit = 64

  /// True if frames wait for others to leave with.
  public var hasDeferred: Bool { !deferred.isEmpty }

  /// Releases frames that have found no company. Call it a moment after they were deferred: each message
  /// saved wakes no process on the path.
  public func releaseDeferred() {
    for slot in deferred where streams[slot]?.deferred == true {
      streams[slot]!.deferred = false
      if streams[slot]!.controlDue {
        enqueue(slot)
      } else if streams[slot]!.released, !streams[slot]!.queued {
        remove(slot)
      }
    }
    deferred.removeAll(keepingCapacity: true)
  }

  /// Asks for a round trip; the answer sets `roundTrip`. An unanswered ping is not doubled.
  public func ping(now: UInt64) {
    if pingSentAt == nil { pingDue = true }
  }

  /// Informs the peer that no new stream is welcome (0: normal, 1: protocol error, 2: internal error).
  public func goAway(_ code: UInt32) {
    if !goAwaySent { goAwayDue = code }
  }

  /// True if `writeControl` has frames to write.
  public var hasControl: Bool {
    pingDue || !pongs.isEmpty || goAwayDue != nil || !orphanResets.isEmpty || queueHead < queue.count
  }

  /// Writes pending frames without payload while they fit; returns the bytes written.
  /// - Parameter inCompany: other frames are about to leave, so that deferred ones go along.
  public func writeControl(to bytes: UnsafeMutableRawPointer, capacity: Int, now: UInt64, inCompany: Bool = false)
    -> Int
  {
    var written = 0
    func put(_ header: FrameHeader) {
      header.write(to: bytes + written)
      written += FrameHeader.size
    }
    func fits() -> Bool { written + FrameHeader.size <= capacity }

    if inCompany { for slot in deferred where streams[slot]?.finishDue == true { enqueue(slot) } }
    if pingDue, fits() {
      pingDue = false
      pingID &+= 1
      pingSentAt = now
      put(FrameHeader(.ping, flags: .syn, stream: 0, length: pingID))
    }
    while let pong = pongs.last, fits() {
      pongs.removeLast()
      put(FrameHeader(.ping, flags: .ack, stream: 0, length: pong))
    }
    while let id = orphanResets.last, fits() {
      orphanResets.removeLast()
      put(FrameHeader(.windowUpdate, flags: .rst, stream: id, length: 0))
    }
    while queueHead < queue.count, fits() {
      let slot = queue[queueHead]
      queueHead += 1
      if let header = controlFrame(slot, now: now) { put(header) }
    }
    if queueHead == queue.count {
      queue.removeAll(keepingCapacity: true)
      queueHead = 0
    }
    if let code = goAwayDue, fits() {
      goAwayDue = nil
      goAwaySent = true
      put(FrameHeader(.goAway, stream: 0, length: code))
    }
    return written
  }

  /// Returns the one frame with everything due for a stream.
  private func controlFrame(_ slot: Int, now: UInt64) -> FrameHeader? {
    guard var stream = streams[slot] else { return nil }
    stream.queued = false
    var header = FrameHeader(.windowUpdate, flags: stream.greeting, stream: stream.id, length: 0)
    var isDue = stream.greeting != []
    stream.greeting = []
    if stream.resetDue {
      // A stream of ours that the peer has never seen needs no frame.
      isDue = !header.flags.contains(.syn)
      header.flags.insert(.rst)
      stream.resetDue = false
      stream.finishDue = false
      stream.resetReceived = true  // nothing more is sent or expected
    } else {
      if stream.updateDue {
        stream.updateDue = false
        header.length = UInt32(takeCredit(&stream, now: now))
        isDue = true
      }
      if stream.finishDue {
        stream.finishDue = false
        stream.finishSent = true
        header.flags.insert(.fin)
        isDue = true
      }
    }
    streams[slot] = stream
    if stream.released { remove(slot) }
    return isDue ? header : nil
  }

  /// The interval of updates, µs, below which the window grows too: each wakes every process on the path.
  private static let updateInterval: UInt64 = 25_000

  /// Returns the peer's additional credit. The window doubles while the stream uses it up within two round trips, so
  /// that it follows the line's bandwidth-delay product, with at most some tens of updates a second. On a long line,
  /// where each step takes a round trip, it grows fourfold.
  private func takeCredit(_ stream: inout StreamState, now: UInt64) -> Int {
    var credit = stream.consumed
    let patience = max(2 * (roundTrip ?? 0), Self.updateInterval)
    let isLong = (roundTrip ?? 0) > Self.updateInterval
    let growth = min(stream.window * (isLong ? 3 : 1), StreamState.maximumWindow - stream.window)
    if now - stream.updatedAt < patience, growth > 0, pool.take(growth) {
      credit += growth
      stream.window += growth
    }
    stream.consumed = 0
    stream.receiveCredit += credit
    stream.updatedAt = now
    return credit
  }
}
