// The answers of the ways, and the ends of all sides.

extension HTTP1Splitter {
  // MARK: Answers

  func received(_ bytes: UnsafeRawBufferPointer, from way: Way) {
    switch mode {
    case .stream, .lastAnswer: if way == current { driver.send(bytes, to: .client) }
    case .over: break
    case .messages:
      guard way == current, !exchanges.isEmpty else { return receivedUnasked(bytes, from: way) }
      var rest = bytes
      var sent = 0
      while mode == .messages, !exchanges.isEmpty, !hasLastAnswer, let event = responses.next(&rest) {
        switch event {
        case .head:
          let position = bytes.count - rest.count
          headEnded(canAdd: position > 1 && bytes[position - 2] == 13)
          if hasToldEnd, sent == 0 {
            sent = position - 2
            driver.send(UnsafeRawBufferPointer(rebasing: bytes[..<sent]), to: .client)
            sendEnd()
          }
        case .end: answered()
        case .failed: enterLastAnswer()
        }
      }
      guard mode == .messages else {
        // Nothing more is looked at.
        driver.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]), to: .client)
        return
      }
      driver.send(UnsafeRawBufferPointer(rebasing: bytes[sent..<(bytes.count - rest.count)]), to: .client)
      if hasLastAnswer { return end(reset: false) }
      guard !rest.isEmpty else { return }
      proceed()
      received(rest, from: way)
    }
  }

  /// Tells the client to connect again for its next request (RFC 9112, section 9.6).
  private func sendEnd() {
    let field: StaticString = "Connection: close\r\n"
    driver.send(UnsafeRawBufferPointer(start: field.utf8Start, count: field.utf8CodeUnitCount), to: .client)
  }

  /// Decides about an answer's body from its head.
  /// - Parameter canAdd: true if the end of the head has come in one piece.
  private func headEnded(canAdd: Bool) {
    // "HTTP/1.1 200 OK"
    let line = responses.start
    guard line.count >= 12, isVersion(line), isDigit(line[9]), isDigit(line[10]), isDigit(line[11]) else {
      return enterLastAnswer()
    }
    let exchange = exchanges[0]
    let code = (line[9], line[10], line[11])
    switch code {
    case (49, 48, 49): return exchange.mayLeave ? enterStream(current, isAgreed: true) : enterLastAnswer()
    case (49, _, _):
      _ = responses.startBody(false)
      return
    case (50, _, _) where exchange.isConnect: return enterStream(current, isAgreed: true)
    default: break
    }
    // A client that is answered early may leave the body out (RFC 9110, section 10.1.1): the next bytes may be either.
    if exchange.mayOmitBody, exchanges.count == 1, requests.isInBody { return enterLastAnswer() }
    if responses.closes || line[7] == 48 && !responses.keepsAlive { exchanges[0].isLast = true }
    let isEmpty = exchange.isHead || code == (50, 48, 52) || code == (51, 48, 52)
    // Otherwise the end of the connection ends it.
    guard isEmpty || responses.hasFraming else { return enterLastAnswer() }
    if isLeaving, canAdd, exchanges.count == 1, !requests.isInBody, !exchanges[0].isLast {
      hasToldEnd = true
      exchanges[0].isLast = true
    }
    if responses.startBody(!isEmpty) { answered() }
  }

  private func isVersion(_ line: [UInt8]) -> Bool {
    let text: StaticString = "HTTP/1."
    for index in 0..<7 where line[index] != text.utf8Start[index] { return false }
    return line[8] == 32
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

  private func answered() {
    let isLast = exchanges.removeFirst().isLast
    guard isLast else { return }
    if current == 0, !hasToldEnd { enterStream(0) } else { hasLastAnswer = true }
  }

  /// Handles bytes of a way that has nothing to answer.
  private func receivedUnasked(_ bytes: UnsafeRawBufferPointer, from way: Way) {
    if way != 0 {
      if remove(way) { driver.close(way, reset: true) }
    } else if current == 0, exchanges.isEmpty {
      enterStream(0)
      driver.send(bytes, to: .client)
    } else if isZeroOpen {
      // It may be a 408 between two requests, the last of which went to a host.
      closeZero()
    }
  }

  // MARK: Streams

  /// Passes all bytes between the client and a way from now on. The others are closed.
  /// - Parameter isAgreed: true if the last request has asked for it: who has its copy gets what follows.
  func enterStream(_ way: Way, isAgreed: Bool = false) {
    mode = .stream
    if !isAgreed { copyStream() }
    current = way
    waiting = .nothing
    exchanges = []
    for host in hosts where host.way != way { driver.close(host.way, reset: false) }
    hosts.removeAll { $0.way != way }
    if way != 0, isZeroOpen { closeZero() }
    if !held.isEmpty {
      let bytes = held
      held = []
      bytes.withUnsafeBytes {
        copy($0)
        if way == 0 { sendToZero($0) } else { driver.send($0, to: .way(way)) }
      }
    }
    if hasClientEnded {
      finishCopies()
      driver.finishSending(to: .way(way))
    }
  }

  /// Passes the rest of the current way's bytes on: they are one answer, for all that is known.
  private func enterLastAnswer() {
    if current == 0 { enterStream(0) } else { mode = .lastAnswer }
  }

  // MARK: Ends

  func clientEnded() {
    guard !hasClientEnded else { return }
    hasClientEnded = true
    switch mode {
    case .stream:
      finishCopies()
      driver.finishSending(to: .way(current))
      if hasWayEnded { end(reset: false) }
    case .messages:
      // Otherwise `proceed` passes it on.
      guard case .nothing = waiting, !exchanges.isEmpty || requests.isInBody else { return }
      if held.isEmpty { driver.finishSending(to: .way(current)) } else { streamLater() }
    case .lastAnswer, .over: break
    }
  }

  func ended(_ way: Way) {
    switch mode {
    case .stream:
      guard way == current else {
        // It may be needed if the host does not take the connection.
        if way == 0, isZeroOpen { closeZero() }
        return
      }
      hasWayEnded = true
      driver.finishSending(to: .client)
      if hasClientEnded { end(reset: false) }
    case .lastAnswer: if way == current { end(reset: false) }
    case .over: break
    case .messages:
      if way == current, !exchanges.isEmpty || requests.isInBody {
        guard way == 0 else { return end(reset: false) }
        enterStream(0)
        return ended(0)
      }
      if way == 0 {
        guard isZeroOpen else { return }
        closeZero()
        if exchanges.isEmpty, current == 0 || hosts.isEmpty { end(reset: false) }
      } else if remove(way) {
        driver.close(way, reset: false)
        if exchanges.isEmpty, hosts.isEmpty, !isZeroOpen { end(reset: false) }
      }
    }
  }

  func lost(_ way: Way) {
    switch mode {
    case .stream:
      if way == 0 { isZeroOpen = false }
      guard way == current else { return }
      guard let index = position(of: way), !hosts[index].isOpened else { return end(reset: true) }
      replay(hosts.remove(at: index).kept)
    case .lastAnswer: if way == current { end(reset: true) }
    case .over: break
    case .messages:
      let isBusy = way == current && (!exchanges.isEmpty || requests.isInBody)
      if way == 0 {
        // A request that needs it opens it again.
        let wasUsed = hasUsedZero
        isZeroOpen = false
        hasUsedZero = false
        if isBusy || wasUsed && current == 0 { end(reset: true) }
      } else if let index = position(of: way) {
        let host = hosts.remove(at: index)
        guard isBusy else { return }
        if host.isOpened { end(reset: true) } else { replay(host.kept) }
      }
    }
  }

  /// Sends the requests of a host that was never reached to way 0.
  private func replay(_ bytes: [UInt8]) {
    current = 0
    bytes.withUnsafeBytes { if !$0.isEmpty { sendToZero($0) } }
    if hasClientEnded, case .nothing = waiting { driver.finishSending(to: .way(0)) }
  }

  func end(reset: Bool) {
    guard mode != .over else { return }
    mode = .over
    exchanges = []
    waiting = .nothing
    held = []
    hosts = []
    driver.end(reset: reset)
  }

  // MARK: Ways

  func sendToZero(_ bytes: UnsafeRawBufferPointer) {
    if !isZeroOpen {
      isZeroOpen = true
      driver.open(0)
    }
    hasUsedZero = true
    driver.send(bytes, to: .way(0))
  }

  func closeZero() {
    isZeroOpen = false
    hasUsedZero = false
    driver.close(0, reset: false)
  }

  func position(of way: Way) -> Int? {
    for index in hosts.indices where hosts[index].way == way { return index }
    return nil
  }

  func remove(_ way: Way) -> Bool {
    guard let index = position(of: way) else { return false }
    hosts.remove(at: index)
    return true
  }
}
