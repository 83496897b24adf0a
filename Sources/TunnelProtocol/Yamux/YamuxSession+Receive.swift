// Receiving: bytes of the carrier become events.

extension YamuxSession {
  /// Takes bytes from the front of `input` up to an event for a stream; nil when all are taken.
  ///
  /// After `.failed` it takes nothing more.
  public func next(_ input: inout UnsafeRawBufferPointer, now: UInt64) -> Event? {
    if !input.isEmpty { heardAt = now }
    while violation == nil {
      if let header {
        // The header is complete: first its flags, then its payload, then its end.
        if payloadLeft > 0 {
          guard !input.isEmpty else { return nil }
          if let event = takePayload(&input) { return event }
          continue
        }
        self.header = nil
        if let event = end(header) { return event }
        continue
      }
      guard takeHeader(&input) else { return nil }
      guard let parsed = FrameHeader(reading: headerBytes) else { return fail(.malformedHeader) }
      if let event = begin(parsed, now: now) { return event }
    }
    return nil
  }

  private func takeHeader(_ input: inout UnsafeRawBufferPointer) -> Bool {
    let count = min(FrameHeader.size - headerCount, input.count)
    if count > 0 { (headerBytes + headerCount).copyMemory(from: input.baseAddress!, byteCount: count) }
    headerCount += count
    input = UnsafeRawBufferPointer(rebasing: input[count...])
    guard headerCount == FrameHeader.size else { return false }
    headerCount = 0
    return true
  }

  private func takePayload(_ input: inout UnsafeRawBufferPointer) -> Event? {
    let count = min(payloadLeft, input.count)
    let bytes = UnsafeRawBufferPointer(rebasing: input[..<count])
    input = UnsafeRawBufferPointer(rebasing: input[count...])
    payloadLeft -= count
    guard let payloadSlot else { return nil }  // of a stream that was reset meanwhile
    return .data(payloadSlot, bytes)
  }

  /// Handles a header.
  private func begin(_ header: FrameHeader, now: UInt64) -> Event? {
    switch header.kind {
    case .ping:
      return ping(header, now: now)
    case .goAway:
      goAwayReceived = true
      return .goAway(header.length)
    case .data, .windowUpdate:
      self.header = header
      payloadLeft = 0
      payloadSlot = nil
      var opened: Event?
      if header.flags.contains(.syn) {
        switch accept(header, now: now) {
        case .some(let event):
          if case .failed = event { return event }
          opened = event
        case .none: break
        }
      }
      let slot = slot(of: header.stream)
      if header.kind == .data {
        payloadLeft = Int(header.length)
        payloadSlot = slot
        if let slot, let stream = streams[slot] {
          guard payloadLeft <= stream.receiveCredit else { return fail(.windowExceeded) }
          streams[slot]!.receiveCredit -= payloadLeft
          if stream.released || stream.finishReceived || stream.resetReceived { payloadSlot = nil }
        }
      } else if let slot, let stream = streams[slot] {
        let credit = stream.sendCredit + Int(header.length)
        guard credit <= Int(UInt32.max) else { return fail(.creditOverflow) }
        streams[slot]!.sendCredit = credit
        if stream.sendCredit <= 0 && credit > 0 && opened == nil && !stream.released { return .credit(slot) }
      }
      return opened
    }
  }

  private func accept(_ header: FrameHeader, now: UInt64) -> Event? {
    let isOdd = header.stream & 1 == 1
    guard header.stream != 0, isOdd == (role == .server) else { return fail(.wrongStreamNumber) }
    guard header.stream > highestRemoteID else { return fail(.streamOpenedTwice) }
    highestRemoteID = header.stream
    guard streamCount < maximumStreams, !goAwaySent else {
      // A peer that opens without reading must not fill the memory with the answers.
      guard orphanResets.count < maximumStreams else { return fail(.tooManyStreams) }
      orphanResets.append(header.stream)
      return nil
    }
    let slot = add(StreamState(id: header.stream, greeting: .ack, now: now))
    later(slot)
    return .opened(slot)
  }

  /// Handles the end of a frame.
  private func end(_ header: FrameHeader) -> Event? {
    guard let slot = slot(of: header.stream), let stream = streams[slot] else { return nil }
    if header.flags.contains(.rst) {
      streams[slot]!.resetReceived = true
      streams[slot]!.resetDue = false
      streams[slot]!.finishDue = false
      streams[slot]!.greeting = []
      if stream.released {
        if !stream.queued { remove(slot) }
        return nil
      }
      return .reset(slot)
    }
    if header.flags.contains(.fin), !stream.finishReceived {
      streams[slot]!.finishReceived = true
      return stream.released ? nil : .finished(slot)
    }
    return nil
  }

  private func ping(_ header: FrameHeader, now: UInt64) -> Event? {
    if header.flags.contains(.syn) {
      guard pongs.count < 256 else { return fail(.tooManyPings) }
      pongs.append(header.length)
    } else if header.flags.contains(.ack), let sentAt = pingSentAt, header.length == pingID {
      pingSentAt = nil
      let sample = now - sentAt
      lastRoundTrip = sample
      // Under load a ping queues behind data: keep the smallest, and forget it slowly, since lines change.
      sampleCount += 1
      if let roundTrip, sample > roundTrip, sampleCount % 16 != 0 {} else { roundTrip = sample }
    }
    return nil
  }

  private func fail(_ violation: Violation) -> Event {
    self.violation = violation
    goAwayDue = 1  // "protocol error", spec.md, "Go Away"
    return .failed(violation)
  }
}
