// Connections to hosts: their frames, and what happens when they are gone.

extension HTTP2Splitter {
  /// Returns a host that takes a new stream; nil if the origin has to take it.
  func host(for way: Way) -> HTTP2Host? {
    guard keptHeads < Self.mostKeptHeads else { return nil }
    if let host = host(at: way) {
      guard host.isLeaving else {
        let isCrowded = host.streams >= host.mostStreams || driver.queued(for: .way(way)) > Self.uploadBudget
        return isCrowded ? nil : host
      }
      guard host.streams == 0 else { return nil }
      close(host)
    }
    guard hosts.count < Self.mostHosts else { return nil }
    let host = HTTP2Host(way: way, driver: driver)
    hosts.append(host)
    driver.open(way)
    host.greet(streamWindow: settings.latestWindow)
    return host
  }

  func hostOpened(_ host: HTTP2Host) {
    host.isOpen = true
    for stream in streams.all {
      guard let exchange = stream.exchange, exchange.host === host else { continue }
      owedToClient += exchange.owedToConnection
      exchange.owedToConnection = 0
      let sent = exchange.up.sent
      exchange.up.queue.drop(sent)
      exchange.up.sent = 0
      queuedUp -= sent
      if sent > 0 {
        exchange.isStarted = true
        credit(stream, sent)
      }
      pumpUp(stream)
    }
  }

  // MARK: Frames

  func fromHost(_ host: HTTP2Host, _ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while rest.count > 0, !host.isOver {
      switch host.reader.next(&rest) {
      case .more: break
      case .frame(let frame): hostFrame(host, frame)
      case .header: hostHeader(host)
      case .piece(let piece): hostPiece(host, piece)
      case .tooLong: lose(host, HTTP2Frame.Code.frameSize)
      }
    }
  }

  private func hostFrame(_ host: HTTP2Host, _ frame: UnsafeRawBufferPointer) {
    let kind = host.reader.kind
    let payload = frame.behind(HTTP2Frame.headerSize)
    guard host.hasGreeted || kind == HTTP2Frame.settings, !host.block.isOpen || kind == HTTP2Frame.continuation
    else { return lose(host, HTTP2Frame.Code.protocolError) }
    switch kind {
    case HTTP2Frame.headers, HTTP2Frame.continuation: hostBlock(host, frame)
    case HTTP2Frame.settings: hostSettings(host, payload)
    case HTTP2Frame.ping:
      guard payload.count == 8 else { return lose(host, HTTP2Frame.Code.frameSize) }
      guard !host.reader.has(HTTP2Frame.Flag.ack) else { return }
      host.out.frames.pingAnswer(payload)
    case HTTP2Frame.reset: hostReset(host, payload)
    case HTTP2Frame.windowUpdate: hostWindowUpdate(host, payload)
    case HTTP2Frame.goAway: hostGoAway(host, payload)
    default: lose(host, HTTP2Frame.Code.protocolError)
    }
  }

  /// Returns the stream that a host's frame is about.
  private func stream(_ host: HTTP2Host, _ id: UInt32) -> HTTP2Stream? {
    guard let stream = streams.find(id), let exchange = stream.exchange, exchange.host === host else { return nil }
    return stream
  }

  private func hostSettings(_ host: HTTP2Host, _ payload: UnsafeRawBufferPointer) {
    guard !host.reader.has(HTTP2Frame.Flag.ack) else { return }
    host.hasGreeted = true
    var window = host.initialWindow
    HTTP2ClientSettings.each(payload) { identifier, value in
      if identifier == HTTP2Frame.Setting.initialWindow { window = value }
      if identifier == HTTP2Frame.Setting.maximumStreams { host.mostStreams = value }
      if identifier == HTTP2Frame.Setting.headerTableSize, value < 4096 { host.out.owedTable = 0 }
    }
    guard window <= HTTP2Frame.largestWindow, payload.count % 6 == 0 else {
      return lose(host, HTTP2Frame.Code.flowControl)
    }
    let change = window - host.initialWindow
    host.initialWindow = window
    for stream in streams.all {
      if let exchange = stream.exchange, exchange.host === host { exchange.up.window += change }
    }
    host.out.frames.frame(HTTP2Frame.settings, flags: HTTP2Frame.Flag.ack, stream: 0, length: 0)
    host.isWaiting = true
  }

  private func hostWindowUpdate(_ host: HTTP2Host, _ payload: UnsafeRawBufferPointer) {
    guard payload.count == 4 else { return lose(host, HTTP2Frame.Code.frameSize) }
    let count = Int(payload.number32(0) & HTTP2Frame.lastStream)
    if host.reader.stream == 0 {
      host.window += count
      guard count > 0, host.window <= HTTP2Frame.largestWindow else { return lose(host, HTTP2Frame.Code.flowControl) }
      host.isWaiting = true
      return
    }
    guard let stream = stream(host, host.reader.stream), let exchange = stream.exchange else { return }
    exchange.up.window += count
    guard count > 0, exchange.up.window <= HTTP2Frame.largestWindow else {
      return drop(stream, HTTP2Frame.Code.internalError)
    }
    pumpUp(stream)
  }

  private func hostBlock(_ host: HTTP2Host, _ frame: UnsafeRawBufferPointer) {
    switch host.block.take(host.reader, frame) {
    case .more: break
    case .wrong: lose(host, HTTP2Frame.Code.protocolError)
    case .tooLong: lose(host, HTTP2Frame.Code.calm)
    case .complete(let fragment):
      let (id, isLast) = (host.block.stream, host.block.isLast)
      guard host.decoder.decode(fragment, into: list) else { return lose(host, HTTP2Frame.Code.compression) }
      host.block.clear()
      if let stream = stream(host, id), let exchange = stream.exchange { answer(stream, exchange, isLast) }
      list.clear()
    }
  }

  /// Sends the list to the client as a head or trailers of an answer.
  private func answer(_ stream: HTTP2Stream, _ exchange: HTTP2Exchange, _ isLast: Bool) {
    guard !exchange.down.isEnding, exchange.down.reset == nil else { return }
    exchange.isAnswered = true
    forgetHead(exchange)
    // Clients end the whole connection, with everybody's streams, for some of these.
    guard !list.isTooLong, isSound(exchange, isLast) else { return drop(stream, HTTP2Frame.Code.internalError) }
    let fields = RawBytes()
    HPACKEncoder.encode(list, into: fields)
    if exchange.down.unsent > 0 {
      exchange.down.trailers = fields
      exchange.down.isEnding = true
      return
    }
    toClient.block(fields.all, flags: isLast ? HTTP2Frame.Flag.endStream : 0, stream: stream.id)
    guard isLast else { return }
    exchange.down.isEnding = true
    exchange.down.hasEnded = true
    retire(stream)
  }

  /// Checks the list as a head or trailers of an answer (RFC 9113, sections 8.1 to 8.3). It notes a final head.
  private func isSound(_ exchange: HTTP2Exchange, _ isLast: Bool) -> Bool {
    for (index, field) in list.fields.enumerated() {
      let (name, value) = (list.name(field), list.value(field))
      if name.first == 0x3a {
        guard !exchange.hasHead, index == 0, name.equals(":status"), value.count == 3 else { return false }
        for byte in value where byte < 48 || byte > 57 { return false }
        continue
      }
      guard name.count > 0, index > 0 || exchange.hasHead else { return false }
      for byte in name where byte <= 32 || byte >= 127 || byte >= 65 && byte <= 90 { return false }
      for byte in value where byte == 0 || byte == 10 || byte == 13 { return false }
    }
    if exchange.hasHead { return isLast }
    guard let status = list.fields.first else { return false }
    let isInformation = list.value(status).first == 49
    exchange.hasHead = !isInformation
    return !isInformation || !isLast
  }

  private func hostHeader(_ host: HTTP2Host) {
    let reader = host.reader
    guard host.hasGreeted, !host.block.isOpen else { return lose(host, HTTP2Frame.Code.protocolError) }
    host.data.begin(reader, .drop)
    guard reader.kind == HTTP2Frame.data else { return }
    guard reader.stream != 0, reader.length > 0 || !reader.has(HTTP2Frame.Flag.padded) else {
      return lose(host, HTTP2Frame.Code.protocolError)
    }
    host.receiveWindow -= reader.length
    guard host.receiveWindow >= 0, reader.length <= HTTP2Frame.size else {
      return lose(host, HTTP2Frame.Code.flowControl)
    }
    guard let stream = stream(host, reader.stream), let exchange = stream.exchange, !exchange.down.isEnding,
      exchange.down.reset == nil
    else { return }
    guard exchange.hasHead else { return drop(stream, HTTP2Frame.Code.internalError) }
    exchange.isAnswered = true
    forgetHead(exchange)
    host.data.begin(reader, .stream(stream))
    if reader.left == 0 { download(stream, exchange, Self.noBytes, isLast: host.data.isLast) }
  }

  private func hostPiece(_ host: HTTP2Host, _ piece: UnsafeRawBufferPointer) {
    guard host.reader.kind == HTTP2Frame.data else { return }
    guard case .stream(let stream) = host.data.destination, let exchange = stream.exchange, !stream.isOver else {
      return host.giveBack(piece.count)
    }
    let wasComplete = host.data.isComplete
    guard let bytes = host.data.take(piece) else { return lose(host, HTTP2Frame.Code.protocolError) }
    let padding = piece.count - bytes.count
    if padding > 0 {
      host.giveBack(padding)
      if !host.data.isLast {
        host.out.frames.frame(HTTP2Frame.windowUpdate, stream: stream.id, number: UInt32(padding))
      }
    }
    if !wasComplete {
      download(stream, exchange, bytes, isLast: host.data.isLast && host.data.isComplete)
    }
  }

  private func hostReset(_ host: HTTP2Host, _ payload: UnsafeRawBufferPointer) {
    guard payload.count == 4 else { return lose(host, HTTP2Frame.Code.frameSize) }
    guard let stream = stream(host, host.reader.stream), let exchange = stream.exchange else { return }
    exchange.up.hasEnded = true
    exchange.down.reset = payload.number32(0)
    pumpDown(stream, most: Int.max)
  }

  private func hostGoAway(_ host: HTTP2Host, _ payload: UnsafeRawBufferPointer) {
    guard payload.count >= 8 else { return lose(host, HTTP2Frame.Code.frameSize) }
    host.isLeaving = true
    let last = payload.number32(0) & HTTP2Frame.lastStream
    for stream in streams.all where stream.id > last {
      if let exchange = stream.exchange, exchange.host === host { replay(stream, exchange) }
    }
    if host.streams == 0, !host.isOver { close(host) }
  }

  // MARK: Ends

  func close(_ host: HTTP2Host) {
    guard !host.isOver else { return }
    host.out.flush()
    forget(host)
    driver.close(host.way, reset: false)
  }

  private func forget(_ host: HTTP2Host) {
    host.isOver = true
    hosts.removeAll { $0 === host }
  }

  /// Ends a host that has failed, or has made an error. Streams that may go to the origin go there.
  func lose(_ host: HTTP2Host, _ code: UInt32? = nil) {
    guard !host.isOver else { return }
    if let code {
      host.out.frames.goAway(0, code)
      host.out.flush()
    }
    forget(host)
    driver.close(host.way, reset: code == nil && !host.isOpen)
    for stream in streams.all {
      guard let exchange = stream.exchange, exchange.host === host else { continue }
      if !host.isOpen, !host.refuses {
        replay(stream, exchange)
      } else if !exchange.down.isEnding, exchange.down.reset == nil {
        resetClient(stream.id, exchange.isAnswered ? HTTP2Frame.Code.internalError : HTTP2Frame.Code.refused)
        remove(stream)
      }
    }
  }

  /// Sends a stream's request to the origin instead; it is refused if parts of it are not kept any more.
  private func replay(_ stream: HTTP2Stream, _ exchange: HTTP2Exchange) {
    // An open host's DATA was given back to the client, and the origin's window may not take it any more.
    let isKept =
      exchange.host.isOpen
      ? !exchange.isStarted && exchange.up.queue.isEmpty : exchange.up.queue.count <= replayWindow
    let mayGo = isKept && !exchange.isAnswered && !hasOriginEnded
    guard mayGo, let number = numbers.late(stream.id, newest: newest), number <= originLast else {
      let code = exchange.isAnswered ? HTTP2Frame.Code.internalError : HTTP2Frame.Code.refused
      resetClient(stream.id, code)
      return remove(stream)
    }
    stream.exchange = nil
    stream.originID = number
    let up = exchange.up
    let isWhole = up.isEnding && up.queue.isEmpty && up.trailers == nil
    writeOriginBlock(exchange.head.all, flags: isWhole ? HTTP2Frame.Flag.endStream : 0, stream: number)
    if exchange.granted > 0 {
      toOrigin.frames.frame(
        HTTP2Frame.windowUpdate, stream: number, number: UInt32(clamping: min(exchange.granted, 0x7fff_ffff)))
    }
    if !isWhole {
      up.sent = 0
      up.hasEnded = false
      up.window = Int.max
      _ = up.pump(to: toOrigin, stream: number, connection: Int.max, most: Int.max, keeps: true)
    }
    widen(stream)
    // The client's windows were not given back what the origin's take now.
    if !exchange.host.isOpen { exchange.owedToConnection = 0 }
    release(exchange)
  }

  /// Sends DATA of a stream that has gone to the origin within a frame.
  func sendToOrigin(_ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, isLast: Bool) {
    var rest = bytes
    while rest.count > 0 {
      let piece = rest.first(HTTP2Frame.size)
      rest = rest.behind(piece.count)
      toOrigin.data(piece, flags: isLast && rest.isEmpty ? HTTP2Frame.Flag.endStream : 0, stream: stream.originID)
    }
    if isLast, bytes.isEmpty {
      toOrigin.data(bytes, flags: HTTP2Frame.Flag.endStream, stream: stream.originID)
    }
  }
}
