import CLinux

#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

// The rules of sessions for this port. While there are some, each new connection is split.

extension InboundListener {
  var isSplit: Bool { !ruled.isEmpty && !server.isTerminating }

  /// Takes the requests that match a session's rules to its host from now on, unless another session has one of the
  /// rules by a later claim.
  /// - Returns: the count of that claim.
  func turnToHost(
    _ holder: HolderSession, rules: RuleSet, count: UInt64, passesRefusals: Bool
  ) -> UInt64? {
    for one in ruled where one.holder !== holder && one.count > count && one.shares(rules) { return one.count }
    for one in ruled where one.holder !== holder && one.shares(rules) {
      one.remove(rules)
      one.holder.send(ControlMessage(.superseded, port: port, flag: ControlMessage.matching))
    }
    if let own = ruled(by: holder) {
      own.rules = rules
      own.count = count
      own.passesRefusals = passesRefusals
    } else {
      nextWay &+= 1
      ruled.append(
        PortRules(way: nextWay, holder: holder, rules: rules, count: count, passesRefusals: passesRefusals))
    }
    removeRules { $0.rules.rules.isEmpty }
    // Connections on the origin come back to be split.
    tellHome()
    lookLater()
    return nil
  }

  func ruled(by holder: HolderSession) -> PortRules? {
    for one in ruled where one.holder === holder { return one }
    return nil
  }

  /// Returns the number of the holder who gets the requests of a way; 0 for way 0.
  func holder(of way: Way) -> UInt64 { ruled(way)?.holder.holder ?? 0 }

  private func ruled(_ way: Way) -> PortRules? {
    for one in ruled where one.way == way { return one }
    return nil
  }

  func removeRules(of holder: HolderSession) {
    guard !ruled.isEmpty else { return }
    removeRules { $0.holder === holder }
    tellHome()
  }

  /// Removes rules. Connections of their hosts that are kept for further requests end.
  private func removeRules(where isOver: (PortRules) -> Bool) {
    let ended = ruled.filter(isOver)
    ruled.removeAll(where: isOver)
    for one in ended { for connection in splits { connection.retire(one.way) } }
  }

  func split(_ connection: Int32, of client: clinux_address) {
    let one = SplitConnection(listener: self, address: client)
    one.index = splits.count
    splits.append(one)
    one.start(connection)
  }

  func forget(_ one: SplitConnection) {
    guard one.index < splits.count, splits[one.index] === one else { return }
    let last = splits.removeLast()
    guard last !== one else { return }
    splits[one.index] = last
    last.index = one.index
  }

  // MARK: Copies

  var copiesRequests: Bool {
    for one in ruled where one.rules.hasCopies { return true }
    return false
  }

  /// Opens a stream for copies.
  func openCopy(_ rules: PortRules, for connection: SplitConnection, address: clinux_address) -> CopyWay? {
    guard loop.now >= rules.restsUntil else { return nil }
    let preamble = Preamble(.inbound, port: port, address: address.byteArray)
    let end = rules.holder.session.open {
      CopyWay(connection: connection, rules: rules, slot: $0, preamble: preamble, server: server)
    }
    return end as? CopyWay
  }

  // MARK: For connections

  /// Returns the way of a request: that of the strictest rule that it meets, or 0.
  func route(_ request: borrowing RequestHead) -> Way {
    guard !server.isTerminating else { return 0 }
    var best: PortRules?
    var strictness: Strictness?
    for one in ruled where !one.holder.session.isSilent {
      guard let found = one.rules.match(request) else { continue }
      if let strictness, let best, found < strictness || found == strictness && one.count >= best.count { continue }
      best = one
      strictness = found
    }
    guard let best else { return 0 }
    best.requests += 1
    return best.way
  }

  /// Opens a stream to the host of a way.
  func openHost(_ way: Way, for connection: SplitConnection, address: clinux_address) -> HostWay? {
    guard let one = ruled(way) else { return nil }
    let session = one.holder.session
    let preamble = Preamble(.inbound, port: port, address: address.byteArray)
    let limit = server.configuration.acknowledgeLimit
    let end = session.open {
      HostWay(connection: connection, way: way, session: session, slot: $0, preamble: preamble, limit: limit)
    }
    return end as? HostWay
  }

  func hostAnswered(on way: Way) {
    guard let one = ruled(way), !one.hostAnswers else { return }
    one.hostAnswers = true
    one.holder.send(ControlMessage(.hostAnswers, port: port))
  }

  /// Notes that a host was not reached. Returns true if the request may go to way 0.
  func hostFailed(on way: Way, _ status: StreamStatus) -> Bool {
    guard let one = ruled(way) else { return true }
    one.hostAnswers = false
    if status == .refused, one.passesRefusals { return false }
    if one.requests > 0 { one.requests -= 1 }
    one.holder.send(ControlMessage(.fellBack, port: port, flag: status.rawValue))
    return true
  }

  /// Connects way 0 of a client: to the host that has the whole port, or to the origin.
  /// - Parameter failed: called if there is neither.
  /// - Returns: true if it is the origin.
  func connectZero(_ socket: SplitSocket, for client: clinux_address, failed: @escaping () -> Void) -> Bool {
    if liveSession != nil, joinHost(socket, for: client) { return false }
    toOrigin += 1
    server.origin.connect(port: port, backlog: []) { origin, _ in
      if origin < 0 { return failed() }
      if socket.isReleased { return clinux_close(origin) }
      socket.connected(origin)
    }
    return true
  }

  /// Joins way 0 to the host that has the whole port, by a connection like any other: it may fall back, and come home.
  private func joinHost(_ socket: SplitSocket, for client: clinux_address) -> Bool {
    var both = (Int32(-1), Int32(-1))
    let result = withUnsafeMutablePointer(to: &both) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { clinux_socketpair($0) }
    }
    guard result == 0 else { return false }
    server.connections += 1
    guard goToHost(both.1, of: client, isInner: true) else {
      server.connections -= 1
      clinux_close(both.0)
      clinux_close(both.1)
      return false
    }
    socket.connected(both.0)
    return true
  }
}
