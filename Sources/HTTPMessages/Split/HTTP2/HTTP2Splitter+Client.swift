// The client's frames, in the order of a request: its head, its DATA, its trailers, its end.

extension HTTP2Splitter {
  func clientFrame(_ frame: UnsafeRawBufferPointer) {
    if block.isOpen, client.kind != HTTP2Frame.continuation { return fail(HTTP2Frame.Code.protocolError, frame) }
    switch client.kind {
    case HTTP2Frame.headers, HTTP2Frame.continuation: clientBlock(frame)
    case HTTP2Frame.settings: clientSettings(frame)
    case HTTP2Frame.windowUpdate: clientWindowUpdate(frame)
    case HTTP2Frame.reset: clientReset(frame)
    case HTTP2Frame.pushPromise: fail(HTTP2Frame.Code.protocolError, frame)
    case HTTP2Frame.priority where numbers.areShifted: break
    case HTTP2Frame.ping where phase == .splitting && !client.has(HTTP2Frame.Flag.ack): answerPing(frame)
    default: toOrigin.pass(frame)
    }
  }

  /// Answers a PING of the client. A client of gRPC measures each transfer by one, and a server that sees PINGs between
  /// which it sends nothing, since a host did, ends the connection for too many of them.
  private func answerPing(_ frame: UnsafeRawBufferPointer) {
    guard client.length == 8 else { return fail(HTTP2Frame.Code.frameSize, frame) }
    toClient.frames.pingAnswer(frame.behind(HTTP2Frame.headerSize))
  }

  /// Passes a frame of a stream to the origin, with the stream's number there.
  private func pass(_ frame: UnsafeRawBufferPointer, of stream: HTTP2Stream) {
    guard stream.originID != stream.id else { return toOrigin.pass(frame) }
    let frames = toOrigin.frames
    frames.frame(client.kind, flags: client.flags, stream: stream.originID, length: client.length)
    frames.append(frame.behind(HTTP2Frame.headerSize))
  }

  /// Checks for a number that the client has not used, and may not speak of.
  private func isIdle(_ id: UInt32) -> Bool { id & 1 != 0 && id > newest }

  // MARK: HEADERS

  private func clientBlock(_ frame: UnsafeRawBufferPointer) {
    switch block.take(client, frame) {
    case .more: break
    case .wrong: fail(HTTP2Frame.Code.protocolError, frame)
    case .tooLong: fail(HTTP2Frame.Code.calm, Self.noBytes)
    case .complete(let fragment):
      let isSingle = block.frames.isEmpty
      guard decoder.decode(fragment, into: list) else {
        return fail(HTTP2Frame.Code.compression, isSingle ? frame : Self.noBytes)
      }
      headers(isSingle ? frame : block.frames.all)
      block.clear()
      list.clear()
    }
  }

  /// Takes a header block.
  /// - Parameter frames: the block as it came.
  private func headers(_ frames: UnsafeRawBufferPointer) {
    let id = block.stream
    let known = streams.find(id)
    if known == nil, id & 1 != 0, id > newest { return request(id, frames) }
    if known != nil { copyTrailers(id) }
    if phase == .passing {
      toOrigin.pass(frames)
    } else {
      noteTableSize()
      guard let known else {
        if id & 1 == 0 { fail(HTTP2Frame.Code.protocolError, Self.noBytes) }
        return
      }
      if list.isTooLong { return drop(known, HTTP2Frame.Code.calm) }
      trailers(known)
    }
    if let known, block.isLast { clientEnded(known) }
  }

  private func trailers(_ stream: HTTP2Stream) {
    guard let exchange = stream.exchange else {
      return originBlock(stream, flags: block.isLast ? HTTP2Frame.Flag.endStream : 0)
    }
    guard block.isLast, !stream.clientHasEnded else { return drop(stream, HTTP2Frame.Code.protocolError) }
    let trailers = RawBytes()
    HPACKEncoder.encode(list, into: trailers)
    guard trailers.count <= HTTP2Frame.size else { return drop(stream, HTTP2Frame.Code.calm) }
    exchange.up.trailers = trailers
  }

  /// Takes the head of a new request.
  private func request(_ id: UInt32, _ frames: UnsafeRawBufferPointer) {
    newest = id
    let isCrowded = streams.count >= Self.mostStreams
    if isCrowded, phase == .passing {
      return fail(HTTP2Frame.Code.none, block.frames.isEmpty ? frames : Self.noBytes)
    }
    let stream = HTTP2Stream(id: id)
    stream.clientHasEnded = block.isLast
    var host: HTTP2Host?
    if !isCrowded, !hasOriginEnded, readHead() {
      let way = driver.route(head)
      copyRequest(id)
      if way != 0 { host = self.host(for: way) }
    }
    if phase == .passing, host == nil {
      _ = numbers.next(id)
      streams.add(stream)
      return toOrigin.pass(frames)
    }
    phase = .splitting
    narrow()
    noteTableSize()
    if isCrowded { return resetClient(id, HTTP2Frame.Code.refused) }
    if list.isTooLong { return resetClient(id, HTTP2Frame.Code.calm) }
    if let host {
      streams.add(stream)
      begin(stream, host)
    } else if !hasOriginEnded, driver.queued(for: .way(0)) < Self.hugeQueue, let number = numbers.next(id) {
      stream.originID = number
      streams.add(stream)
      originBlock(stream, flags: block.isLast ? HTTP2Frame.Flag.endStream : 0)
      widen(stream)
    } else {
      copyReset(id)
      resetClient(id, HTTP2Frame.Code.refused)
    }
  }

  /// Keeps what a block that the origin does not get has said about the table.
  private func noteTableSize() {
    guard decoder.lastSize >= 0 else { return }
    leastSize = leastSize < 0 ? decoder.leastSize : min(leastSize, decoder.leastSize)
    lastSize = decoder.lastSize
  }

  /// Sends the list to the origin.
  private func originBlock(_ stream: HTTP2Stream, flags: UInt8) {
    scratch.clear()
    HPACKEncoder.encode(list, into: scratch)
    writeOriginBlock(scratch.all, flags: flags, stream: stream.originID)
    scratch.clear()
  }

  func writeOriginBlock(_ fields: UnsafeRawBufferPointer, flags: UInt8, stream: UInt32) {
    guard lastSize >= 0 else { return toOrigin.frames.headerBlock(fields, flags: flags, stream: stream) }
    let whole = RawBytes()
    if leastSize < lastSize { HPACKEncoder.tableSize(leastSize, into: whole) }
    HPACKEncoder.tableSize(lastSize, into: whole)
    leastSize = -1
    lastSize = -1
    whole.append(fields)
    toOrigin.frames.headerBlock(whole.all, flags: flags, stream: stream)
  }

  /// Reads the head of a request from the list.
  /// - Returns: false if it is none that a rule may look at (RFC 9113, section 8.3).
  private func readHead() -> Bool {
    if head.size > 4096 { head = RequestHead() } else { head.removeAll() }
    guard !list.isTooLong else { return false }
    var seen = 0
    for field in list.fields {
      let name = list.name(field)
      let value = list.value(field)
      guard name.first == 0x3a else {
        for byte in name where byte >= 65 && byte <= 90 { return false }
        seen |= 1 << 5
        head.addField(name, value)
        continue
      }
      let bit: Int
      if name.equals(":method") {
        bit = 0
        head.setMethod(value)
      } else if name.equals(":path") {
        bit = 1
        head.setTarget(value)
      } else if name.equals(":authority") {
        bit = 2
        head.setAuthority(value)
      } else if name.equals(":scheme") {
        bit = 3
      } else if name.equals(":protocol") {
        bit = 4
      } else {
        return false
      }
      guard seen & 1 << bit == 0, seen < 1 << 5 else { return false }
      seen |= 1 << bit
    }
    return seen & 1 != 0
  }

  // MARK: DATA

  func clientHeader(_ header: UnsafeRawBufferPointer) {
    let isData = client.kind == HTTP2Frame.data
    if block.isOpen || isData && client.stream == 0 { return fail(HTTP2Frame.Code.protocolError, header) }
    copiedData.begin(client, .pass)
    if phase == .passing {
      data.begin(client, .pass)
      toOrigin.pass(header)
    } else {
      if isData, isIdle(client.stream) { return fail(HTTP2Frame.Code.protocolError, header) }
      if isData, client.length == 0, client.has(HTTP2Frame.Flag.padded) {
        return fail(HTTP2Frame.Code.protocolError, header)
      }
      let stream = streams.find(client.stream)
      if let stream {
        let isOpen = !isData || !stream.clientHasEnded
        let destination: HTTP2DataFrame.Destination = stream.exchange == nil ? .pass : .stream(stream)
        data.begin(client, isOpen ? destination : .drop)
      } else {
        data.begin(client, client.stream & 1 == 0 ? .pass : .drop)
      }
      if case .pass = data.destination {
        if let stream, stream.originID != stream.id {
          scratch.clear()
          scratch.frame(client.kind, flags: client.flags, stream: stream.originID, length: client.length)
          toOrigin.pass(scratch.all)
        } else {
          toOrigin.pass(header)
        }
      }
    }
    if case .pass = data.destination { toOrigin.within(client.left > 0) }
    if client.left == 0 { clientFrameEnded() }
  }

  func clientPiece(_ piece: UnsafeRawBufferPointer) {
    copyData(piece)
    switch data.destination {
    case .pass:
      toOrigin.pass(piece)
      if client.left == 0 { toOrigin.within(false) }
    case .stream(let stream):
      if client.kind == HTTP2Frame.data { upload(stream, piece) }
    case .drop, .queue:
      if client.kind == HTTP2Frame.data { owedToClient += piece.count }
    }
    if client.left == 0, phase != .over { clientFrameEnded() }
  }

  private func clientFrameEnded() {
    guard client.kind == HTTP2Frame.data else { return }
    copyFrameEnd(client.stream)
    guard data.isLast else { return }
    if let stream = streams.find(client.stream) { clientEnded(stream) }
  }

  /// Takes END_STREAM.
  private func clientEnded(_ stream: HTTP2Stream) {
    stream.clientHasEnded = true
    if let exchange = stream.exchange {
      exchange.up.isEnding = true
      pumpUp(stream)
    }
    retire(stream)
  }

  // MARK: Windows, settings, resets

  private func clientSettings(_ frame: UnsafeRawBufferPointer) {
    if client.has(HTTP2Frame.Flag.ack) {
      if !unacknowledged.isEmpty, unacknowledged.removeFirst() { return }
    } else {
      let former = settings.latestWindow
      if let code = settings.received(frame.behind(HTTP2Frame.headerSize)) { return fail(code, frame) }
      if settings.latestWindow != former {
        for host in hosts {
          host.out.frames.frame(HTTP2Frame.settings, stream: 0, length: 6)
          host.out.frames.setting(HTTP2Frame.Setting.initialWindow, settings.latestWindow)
        }
      }
    }
    toOrigin.pass(frame)
  }

  private func clientWindowUpdate(_ frame: UnsafeRawBufferPointer) {
    guard client.length == 4 else { return fail(HTTP2Frame.Code.frameSize, frame) }
    let count = Int(frame.number32(HTTP2Frame.headerSize) & HTTP2Frame.lastStream)
    guard client.stream != 0 else { return clientConnectionWindow(count, frame) }
    guard phase == .splitting else { return toOrigin.pass(frame) }
    guard let stream = streams.find(client.stream) else {
      if isIdle(client.stream) { return fail(HTTP2Frame.Code.protocolError, frame) }
      if client.stream & 1 == 0 { toOrigin.pass(frame) }
      return
    }
    guard let exchange = stream.exchange else { return pass(frame, of: stream) }
    guard count > 0 else { return drop(stream, HTTP2Frame.Code.protocolError) }
    exchange.down.window += count
    guard exchange.down.window <= HTTP2Frame.largestWindow else { return drop(stream, HTTP2Frame.Code.flowControl) }
    exchange.granted += count
    if !exchange.host.isOver {
      exchange.host.out.frames.frame(HTTP2Frame.windowUpdate, stream: stream.id, number: UInt32(count))
    }
    isDownWaiting = true
  }

  /// Splits what the client gives back between the origin and the hosts.
  private func clientConnectionWindow(_ count: Int, _ frame: UnsafeRawBufferPointer) {
    if count == 0 { return fail(HTTP2Frame.Code.protocolError, frame) }
    clientWindow += count
    if clientWindow > HTTP2Frame.largestWindow { return fail(HTTP2Frame.Code.flowControl, frame) }
    let used = usedByOrigin + usedByHosts
    let share = count >= used ? count - usedByHosts : count * usedByOrigin / used
    usedByHosts -= count - share
    usedByOrigin = max(0, usedByOrigin - share)
    isDownWaiting = true
    if share == count {
      toOrigin.pass(frame)
    } else if share > 0 {
      toOrigin.frames.frame(HTTP2Frame.windowUpdate, stream: 0, number: UInt32(share))
    }
  }

  private func clientReset(_ frame: UnsafeRawBufferPointer) {
    let stream = streams.find(client.stream)
    guard phase == .splitting else {
      if let stream { remove(stream) }
      return toOrigin.pass(frame)
    }
    guard client.length == 4 else { return fail(HTTP2Frame.Code.frameSize, frame) }
    guard let stream else {
      if isIdle(client.stream) { return fail(HTTP2Frame.Code.protocolError, frame) }
      if client.stream & 1 == 0 { toOrigin.pass(frame) }
      return
    }
    if let exchange = stream.exchange {
      resetHost(exchange.host, stream.id, frame.number32(HTTP2Frame.headerSize))
    } else {
      pass(frame, of: stream)
    }
    remove(stream)
  }
}

extension UnsafeRawBufferPointer {
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }
}
