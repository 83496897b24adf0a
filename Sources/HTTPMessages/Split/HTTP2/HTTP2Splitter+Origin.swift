// The origin's frames.

extension HTTP2Splitter {
  func fromOrigin(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while rest.count > 0, phase != .over {
      if phase == .opaque { return toClient.pass(rest) }
      switch origin.next(&rest) {
      case .more: break
      case .frame(let frame): originFrame(frame)
      case .header(let header): originHeader(header)
      case .piece(let piece): originPiece(piece)
      case .tooLong: if phase == .passing { becomeOpaque() } else { end(reset: true) }
      }
    }
  }

  /// Takes a whole frame: SETTINGS, GOAWAY.
  private func originFrame(_ frame: UnsafeRawBufferPointer) {
    let payload = frame.behind(HTTP2Frame.headerSize)
    if origin.kind == HTTP2Frame.settings, !origin.has(HTTP2Frame.Flag.ack) {
      originSettings(payload)
      passOrKeep(isNarrowed ? narrowed(frame) : frame)
      return narrow()
    }
    if origin.kind == HTTP2Frame.goAway, payload.count >= 8 {
      originLast = min(originLast, payload.number32(0) & HTTP2Frame.lastStream)
      if phase == .splitting {
        let changed = RawBytes()
        changed.frame(HTTP2Frame.goAway, stream: 0, length: payload.count)
        changed.append32(lastForClient())
        changed.append(payload.behind(4))
        return passOrKeep(changed.all)
      }
    }
    passOrKeep(frame)
  }

  /// Passes a whole frame that is not DATA, behind those that wait.
  private func passOrKeep(_ frame: UnsafeRawBufferPointer) {
    if waiting.isEmpty {
      toClient.pass(frame)
      toClient.within(false)
      passed(frame)
    } else {
      waiting.append(frame)
      waitingWhole += frame.count
    }
  }

  /// Notes a frame that the client gets now.
  private func passed(_ frame: UnsafeRawBufferPointer) {
    guard frame[3] == HTTP2Frame.settings else { return }
    guard frame[4] & HTTP2Frame.Flag.ack != 0 else {
      unacknowledged.append(false)
      guard unacknowledged.count > Self.mostUnacknowledged else { return }
      return phase == .passing ? becomeOpaque() : end(reset: false)
    }
    let change = settings.acknowledged(&toClient.owedTable)
    guard change != 0 else { return }
    for stream in streams.all { stream.exchange?.down.window += change }
    isDownWaiting = true
  }

  private func originSettings(_ payload: UnsafeRawBufferPointer) {
    hasOriginGreeted = true
    HTTP2ClientSettings.each(payload) { identifier, value in
      switch identifier {
      case HTTP2Frame.Setting.headerTableSize: decoder.limit = max(decoder.limit, min(value, 65536))
      case HTTP2Frame.Setting.initialWindow:
        replayWindow = min(value, originInitialWindow)
        if isNarrowed, value > originInitialWindow, value > Self.uploadWindow {
          let former = max(originInitialWindow, Self.uploadWindow)
          for stream in streams.all where stream.exchange == nil { widen(stream, by: value - former) }
        }
        originInitialWindow = value
      case HTTP2Frame.Setting.maximumFrame: client.maximum = max(client.maximum, min(value, 160 << 10))
      default: break
      }
    }
    for stream in streams.all { if stream.exchange != nil { credit(stream, 0, atOnce: true) } }
  }

  // MARK: Smaller windows

  /// Gives the client's streams smaller windows than a generous origin does, once some of them go to hosts. The
  /// origin's streams get back at once what they lose by that. An origin that later takes some of its windows back may
  /// get DATA above them; none is known to do so.
  func narrow() {
    guard phase == .splitting, !isNarrowed, originInitialWindow > Self.uploadWindow else { return }
    isNarrowed = true
    toClient.frames.frame(HTTP2Frame.settings, stream: 0, length: 6)
    toClient.frames.setting(HTTP2Frame.Setting.initialWindow, Self.uploadWindow)
    unacknowledged.append(true)
    for stream in streams.all where stream.exchange == nil { widen(stream) }
  }

  /// Gives a stream of the origin the rest of the origin's window.
  func widen(_ stream: HTTP2Stream) {
    if isNarrowed { widen(stream, by: originInitialWindow - Self.uploadWindow) }
  }

  private func widen(_ stream: HTTP2Stream, by count: Int) {
    guard count > 0, !stream.clientHasEnded else { return }
    toClient.frames.frame(HTTP2Frame.windowUpdate, stream: stream.id, number: UInt32(clamping: count))
  }

  /// Returns SETTINGS of the origin with the smaller window.
  private func narrowed(_ frame: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    scratch.clear()
    scratch.append(frame.first(HTTP2Frame.headerSize))
    HTTP2ClientSettings.each(frame.behind(HTTP2Frame.headerSize)) { identifier, value in
      scratch.append(UInt8(truncatingIfNeeded: identifier >> 8))
      scratch.append(UInt8(truncatingIfNeeded: identifier))
      let isWindow = identifier == HTTP2Frame.Setting.initialWindow
      scratch.append32(UInt32(truncatingIfNeeded: isWindow ? min(value, Self.uploadWindow) : value))
    }
    return scratch.all
  }

  // MARK: GOAWAY

  /// Returns the last stream of the origin's GOAWAY as the client has to see it: no stream of a host is above it. Those
  /// that the origin does not take, and are not above it, are refused.
  private func lastForClient() -> UInt32 {
    guard originLast < HTTP2Frame.lastStream else { return originLast }
    var last = min(numbers.client(originLast), max(newest, 1))
    for stream in streams.all where stream.exchange != nil || stream.originID <= originLast {
      last = max(last, stream.id)
    }
    for stream in streams.all where stream.exchange == nil && stream.originID > originLast && stream.id < last {
      resetClient(stream.id, HTTP2Frame.Code.refused)
      remove(stream)
    }
    return last
  }

  private func originHeader(_ header: UnsafeRawBufferPointer) {
    let kind = origin.kind
    let isData = kind == HTTP2Frame.data
    let mayOvertake = kind == HTTP2Frame.windowUpdate || kind == HTTP2Frame.ping
    let keeps = !mayOvertake && !waiting.isEmpty || isData && phase == .splitting && origin.length > clientWindow
    originData.begin(origin, keeps ? .queue : .pass)
    let id = numbers.client(origin.stream)
    var header = header
    if id != origin.stream {
      scratch.clear()
      scratch.frame(kind, flags: origin.flags, stream: id, length: origin.length)
      header = scratch.all
    }
    if kind == HTTP2Frame.headers || kind == HTTP2Frame.pushPromise || kind == HTTP2Frame.continuation {
      isOriginInBlock = !origin.has(HTTP2Frame.Flag.endHeaders)
    }
    if keeps {
      waiting.append(header)
    } else {
      if isData { use(origin.length) }
      if kind == HTTP2Frame.headers || kind == HTTP2Frame.pushPromise { toClient.owedTable = -1 }
      toClient.pass(header)
      toClient.within(origin.left > 0 || isOriginInBlock)
    }
    if origin.left == 0 { originFrameEnded() }
  }

  private func originPiece(_ piece: UnsafeRawBufferPointer) {
    if case .queue = originData.destination {
      waiting.append(piece)
    } else {
      toClient.pass(piece)
      if origin.left == 0 { toClient.within(isOriginInBlock) }
    }
    if origin.left == 0 { originFrameEnded() }
  }

  private func originFrameEnded() {
    if case .queue = originData.destination {
      waitingWhole = waiting.count
      isDownWaiting = true
    }
    let hasEnd = origin.kind == HTTP2Frame.data || origin.kind == HTTP2Frame.headers
    let isReset = origin.kind == HTTP2Frame.reset
    guard isReset || hasEnd && originData.isLast else { return }
    guard let stream = streams.find(numbers.client(origin.stream)), stream.exchange == nil else { return }
    stream.serverHasEnded = true
    if isReset { remove(stream) } else { retire(stream) }
  }

  /// Notes DATA of the origin that goes to the client.
  private func use(_ count: Int) {
    clientWindow -= count
    usedByOrigin += count
  }

  /// Passes frames that waited for the client's window.
  func drainOrigin() {
    // A frame that overtakes them is under way.
    if case .pass = originData.destination, origin.left > 0 { return }
    while waitingWhole > 0 {
      let header = waiting.part(0, HTTP2Frame.headerSize)
      let length = Int(header.number32(0) >> 8)
      let kind = header[3]
      let flags = header[4]
      let stream = header.number32(5)
      if kind == HTTP2Frame.data {
        if length > clientWindow {
          guard clientWindow > 0, flags & HTTP2Frame.Flag.padded == 0 else { return }
          passPart(min(clientWindow, HTTP2Frame.size), length: length, flags: flags, stream: stream)
          continue
        }
        use(length)
      }
      let isBlock =
        kind == HTTP2Frame.headers || kind == HTTP2Frame.pushPromise || kind == HTTP2Frame.continuation
      if isBlock, kind != HTTP2Frame.continuation { toClient.owedTable = -1 }
      let total = HTTP2Frame.headerSize + length
      toClient.pass(waiting.part(0, total))
      toClient.within(isBlock && flags & HTTP2Frame.Flag.endHeaders == 0)
      passed(header)
      waiting.drop(total)
      waitingWhole -= total
    }
  }

  /// Passes the first bytes of a DATA frame that waits, and writes the header of the others before them.
  private func passPart(_ count: Int, length: Int, flags: UInt8, stream: UInt32) {
    toClient.data(waiting.part(HTTP2Frame.headerSize, count), flags: 0, stream: stream)
    use(count)
    waiting.drop(count)
    waitingWhole -= count
    let rest = RawBytes()
    rest.frame(HTTP2Frame.data, flags: flags, stream: stream, length: length - count)
    for (index, byte) in rest.all.enumerated() { waiting.set(index, byte) }
  }

  /// Notes that the origin sends nothing more: streams of hosts go on to their ends.
  func originEnded() {
    hasOriginEnded = true
    guard phase == .splitting else { return driver.finishSending(to: .client) }
    guard hasExchanges else { return }
    if toClient.isWithin { return end(reset: false) }
    for stream in streams.all where stream.exchange == nil && !stream.serverHasEnded {
      resetClient(stream.id, HTTP2Frame.Code.internalError)
      remove(stream)
    }
    originLast = 0
    toClient.frames.goAway(newest, HTTP2Frame.Code.none)
  }
}
