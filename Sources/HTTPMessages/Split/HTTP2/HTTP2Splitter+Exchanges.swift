// Streams between the client and hosts: their DATA, their windows, their ends.

extension HTTP2Splitter {
  /// Sends the list to a host as a request.
  func begin(_ stream: HTTP2Stream, _ host: HTTP2Host) {
    let exchange = HTTP2Exchange(host: host, upWindow: host.initialWindow, downWindow: settings.window)
    stream.exchange = exchange
    host.streams += 1
    HPACKEncoder.encode(list, into: exchange.head)
    keptHeads += exchange.head.count
    let flags = stream.clientHasEnded ? HTTP2Frame.Flag.endStream : 0
    exchange.up.isEnding = stream.clientHasEnded
    exchange.up.hasEnded = stream.clientHasEnded
    host.out.block(exchange.head.all, flags: flags, stream: stream.id)
  }

  // MARK: To the host

  /// Takes a piece of a DATA frame's payload.
  func upload(_ stream: HTTP2Stream, _ piece: UnsafeRawBufferPointer) {
    if stream.isOver {
      owedToClient += piece.count
      return
    }
    let wasComplete = data.isComplete
    guard let bytes = data.take(piece) else { return fail(HTTP2Frame.Code.protocolError, Self.noBytes) }
    let padding = piece.count - bytes.count
    owedToClient += padding
    let isLast = data.isLast && data.isComplete
    guard let exchange = stream.exchange else {
      if !wasComplete { sendToOrigin(stream, bytes, isLast: isLast) }
      return
    }
    if exchange.host.isOver || exchange.down.reset != nil {
      owedToClient += bytes.count
      return
    }
    if exchange.host.isOpen { owedToClient += bytes.count } else { exchange.owedToConnection += bytes.count }
    if isLast { exchange.up.isEnding = true }
    var rest = bytes
    if exchange.host.isOpen, exchange.up.queue.isEmpty { rest = sendAtOnce(stream, exchange, bytes) }
    queuedUp += rest.count
    exchange.up.queue.append(rest)
    credit(stream, padding)
    let budget = unacknowledged.contains(true) ? Self.firstUploadBudget : Self.uploadBudget
    if queuedUp > budget { drop(stream, HTTP2Frame.Code.calm) } else { pumpUp(stream) }
  }

  /// Sends a host what its windows take, without a copy.
  /// - Returns: the bytes that are left.
  private func sendAtOnce(
    _ stream: HTTP2Stream, _ exchange: HTTP2Exchange, _ bytes: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    let host = exchange.host
    var rest = bytes
    var room = room(host)
    while rest.count > 0 {
      let count = min(min(rest.count, HTTP2Frame.size), min(exchange.up.window, min(host.window, room)))
      guard count > 0 else { break }
      let isEnd = count == rest.count && data.isLast && data.isComplete
      host.out.data(rest.first(count), flags: isEnd ? HTTP2Frame.Flag.endStream : 0, stream: stream.id)
      if isEnd { exchange.up.hasEnded = true }
      exchange.up.window -= count
      host.window -= count
      room -= count
      rest = rest.behind(count)
    }
    if rest.count < bytes.count {
      exchange.isStarted = true
      credit(stream, bytes.count - rest.count)
    }
    return rest
  }

  /// Returns the number of bytes that the driver should take for a host.
  private func room(_ host: HTTP2Host) -> Int { max(0, Self.hostQueue - driver.queued(for: .way(host.way))) }

  func pumpUp(_ stream: HTTP2Stream) {
    guard let exchange = stream.exchange, !exchange.host.isOver, exchange.up.isWaiting, exchange.down.reset == nil
    else { return }
    let host = exchange.host
    let before = exchange.up.queue.count
    let sent = exchange.up.pump(
      to: host.out, stream: stream.id, connection: host.window, most: room(host), keeps: !host.isOpen)
    queuedUp -= before - exchange.up.queue.count
    host.window -= sent
    if host.isOpen, sent > 0 {
      exchange.isStarted = true
      credit(stream, sent)
    }
    if exchange.up.unsent > 0 { host.isWaiting = true }
    retire(stream)
  }

  func pumpUp(_ host: HTTP2Host) {
    host.isWaiting = false
    turn &+= 1
    let all = streams.all
    for index in all.indices {
      let stream = all[(index + turn) % all.count]
      if let exchange = stream.exchange, exchange.host === host { pumpUp(stream) }
    }
  }

  func pumpWaitingHosts() {
    for host in hosts where host.isWaiting && host.window > 0 && room(host) > 0 { pumpUp(host) }
  }

  /// Gives bytes of a stream back to the client.
  func credit(_ stream: HTTP2Stream, _ count: Int, atOnce: Bool = false) {
    guard let exchange = stream.exchange, !stream.clientHasEnded else { return }
    exchange.owedToStream += count
    let least = atOnce ? 1 : max(1, min(8192, originInitialWindow / 4))
    guard exchange.owedToStream >= least else { return }
    toClient.frames.frame(
      HTTP2Frame.windowUpdate, stream: stream.id, number: UInt32(clamping: exchange.owedToStream))
    exchange.owedToStream = 0
  }

  // MARK: To the client

  /// Takes DATA of a host.
  func download(_ stream: HTTP2Stream, _ exchange: HTTP2Exchange, _ bytes: UnsafeRawBufferPointer, isLast: Bool) {
    let half = exchange.down
    var rest = bytes
    while half.queue.isEmpty, rest.count > 0 {
      let count = min(min(rest.count, HTTP2Frame.size), min(half.window, clientWindow))
      guard count > 0 else { break }
      half.hasEnded = isLast && count == rest.count
      toClient.data(rest.first(count), flags: half.hasEnded ? HTTP2Frame.Flag.endStream : 0, stream: stream.id)
      half.window -= count
      usedOfClient(count, exchange.host)
      rest = rest.behind(count)
    }
    half.queue.append(rest)
    if isLast { half.isEnding = true }
    if half.isWaiting { pumpDown(stream, most: Int.max) }
    retire(stream)
  }

  private func usedOfClient(_ count: Int, _ host: HTTP2Host) {
    clientWindow -= count
    usedByHosts += count
    host.giveBack(count)
  }

  /// Sends the client what its windows take of a stream.
  @discardableResult func pumpDown(_ stream: HTTP2Stream, most: Int) -> Int {
    guard let exchange = stream.exchange else { return 0 }
    let sent = exchange.down.pump(
      to: toClient, stream: stream.id, connection: clientWindow, most: most, keeps: false)
    usedOfClient(sent, exchange.host)
    if exchange.down.unsent > 0 {
      isDownWaiting = true
    } else if let code = exchange.down.reset {
      resetClient(stream.id, code)
      remove(stream)
    }
    retire(stream)
    return sent
  }

  /// Sends the client all that its windows take, in turns.
  func pumpDown() {
    guard isDownWaiting, phase == .splitting else { return }
    isDownWaiting = false
    turn &+= 1
    if turn & 1 == 0 { drainOrigin() }
    var isMoving = true
    while isMoving, clientWindow > 0 {
      isMoving = false
      let all = streams.all
      for index in all.indices {
        let stream = all[(index + turn) % all.count]
        guard let exchange = stream.exchange, exchange.down.isWaiting else { continue }
        if pumpDown(stream, most: HTTP2Frame.size) > 0 { isMoving = true }
      }
    }
    drainOrigin()
    isDownWaiting = false
  }

  // MARK: Ends

  func resetClient(_ stream: UInt32, _ code: UInt32) {
    toClient.frames.frame(HTTP2Frame.reset, stream: stream, number: code)
  }

  func resetHost(_ host: HTTP2Host, _ stream: UInt32, _ code: UInt32) {
    if !host.isOver { host.out.frames.frame(HTTP2Frame.reset, stream: stream, number: code) }
  }

  /// Resets a stream on both sides.
  func drop(_ stream: HTTP2Stream, _ code: UInt32) {
    resetClient(stream.id, code)
    if let exchange = stream.exchange {
      resetHost(exchange.host, stream.id, HTTP2Frame.Code.cancel)
    } else {
      toOrigin.frames.frame(HTTP2Frame.reset, stream: stream.originID, number: HTTP2Frame.Code.cancel)
    }
    remove(stream)
  }

  /// Forgets a stream that both sides have ended.
  func retire(_ stream: HTTP2Stream) {
    guard stream.clientHasEnded, !stream.isOver else { return }
    if let exchange = stream.exchange {
      guard exchange.down.hasEnded, exchange.down.reset == nil, exchange.up.hasEnded || exchange.host.isOver
      else { return }
    } else {
      guard stream.serverHasEnded else { return }
    }
    remove(stream)
  }

  func remove(_ stream: HTTP2Stream) {
    guard !stream.isOver else { return }
    stream.isOver = true
    streams.remove(stream.id)
    if !stream.clientHasEnded { copyReset(stream.id) }
    guard let exchange = stream.exchange else { return }
    // The host may know the stream of a frame that is under way: without this they would keep each other.
    stream.exchange = nil
    release(exchange)
  }

  /// Drops what a replay would need.
  func forgetHead(_ exchange: HTTP2Exchange) {
    keptHeads -= exchange.head.count
    exchange.head.clear()
  }

  /// Gives back what an exchange holds.
  func release(_ exchange: HTTP2Exchange) {
    let host = exchange.host
    forgetHead(exchange)
    queuedUp -= exchange.up.queue.count
    owedToClient += exchange.owedToConnection
    exchange.owedToConnection = 0
    host.giveBack(exchange.down.queue.count)
    host.streams -= 1
    if host.isLeaving, host.streams == 0, !host.isOver { close(host) }
  }
}
