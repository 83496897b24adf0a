import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

// The holders' sessions, and their messages. Each has ports of its own, and its own word about the agent's readiness.

extension AgentServer {
  /// The most sessions at once.
  static let maximumSessions = 16
  /// The highest count that a record of claims can have (int32).
  private static let lastCount = UInt64(Int32.max)
  /// The largest step of a count between two turns. A larger one would only keep later holders out.
  private static let longestStep: UInt64 = 1000

  /// Decides whether a holder may open a session. An agent that is never ready serves its installation alone, whose
  /// number is 0 there.
  func admits(_ holder: UInt64) -> Bool {
    if configuration.neverReady { return holder == 0 }
    return sessions.count < Self.maximumSessions || former(of: holder) != nil
  }

  /// Returns the session whose place a holder's new one takes: their former one, or one that is silent if there are as
  /// many as there may be.
  private func former(of holder: UInt64) -> HolderSession? {
    for one in sessions where one.holder == holder { return one }
    guard sessions.count >= Self.maximumSessions else { return nil }
    for one in sessions where one.session.isSilent { return one }
    return nil
  }

  /// Turns a greeted connection into a holder's session.
  func attach(_ fd: Int32, of holder: UInt64) {
    let former = former(of: holder)
    former?.session.close()
    let carrier = SocketCarrier(loop: loop, fd: fd)
    let session = Session(loop: loop, carrier: carrier, role: .server, pool: pool)
    session.router = AgentRouter(server: self)
    session.onEvent = { [unowned(unsafe) self, unowned(unsafe) session] event in self.sessionEvent(event, of: session) }
    let new = HolderSession(session, of: holder)
    // Its daemon asks again; until then the agent stays as ready as it was.
    if let former {
      new.isAdmitted = former.isAdmitted && former.holder == holder
      forget(former)
    }
    sessions.append(new)
    session.start()
    AgentProgram.log("session attached")
    readinessChanged()
  }

  private func sessionEvent(_ event: SessionEvent, of session: Session) {
    switch event {
    case .carrierEnded, .violation:
      guard let holder = holder(of: session) else { return }
      forget(holder)
      AgentProgram.log("session ended; its connections go to the origin")
    case .silent: AgentProgram.log("session silent; its new connections go to the origin")
    case .heardAgain:
      AgentProgram.log("session heard again")
      for listener in inbound { listener.look() }
    case .opened, .refused: break
    }
  }

  /// Gives the ports of a session that has ended back to the origin.
  private func forget(_ holder: HolderSession) {
    sessions.removeAll { $0 === holder }
    holder.control = nil
    for listener in inbound { listener.sessionEnded(holder) }
  }

  func holder(of session: Session) -> HolderSession? {
    for one in sessions where one.session === session { return one }
    return nil
  }

  // MARK: Messages

  /// Handles a message of a daemon.
  func handle(_ message: ControlMessage, from session: Session) {
    guard let holder = holder(of: session) else { return }
    switch message.kind {
    case .turnToHost: holder.send(turn(message, for: holder))
    case .turnToOrigin:
      for listener in inbound where listener.port == message.port || message.port == 0 {
        let isMatching = message.flag & ControlMessage.matching != 0
        if isMatching || message.port == 0 { listener.removeRules(of: holder) }
        if !isMatching || message.port == 0 { listener.turnToOrigin(by: holder) }
      }
      holder.send(message)  // back as the acknowledgement
    case .readiness:
      holder.isAdmitted = message.flag == 0
      isRetired = true
      for one in sessions where one.isAdmitted { isRetired = false }
      origin.isLeft = isRetired
      holder.send(message)
      readinessChanged()
    case .probeOrigin:
      origin.probe(port: message.port) { status, count in
        holder.send(ControlMessage(.probeOrigin, port: message.port, flag: status.rawValue, first: UInt64(count)))
      }
    case .counters:
      for listener in inbound where listener.port == message.port {
        if message.flag & ControlMessage.copies != 0 {
          let own = listener.ruled(by: holder)
          var answer = message
          answer.first = own?.copied ?? 0
          answer.second = own?.lost ?? 0
          holder.send(answer)
          continue
        }
        // A session with rules gets the number of its own requests.
        var toHost = listener.toHost
        if let own = listener.ruled(by: holder) { toHost = own.requests + (listener.owner === holder ? toHost : 0) }
        holder.send(ControlMessage(.counters, port: message.port, first: toHost, second: listener.toOrigin))
      }
    case .onOrigin:
      for listener in inbound where listener.port == message.port {
        holder.send(listener.onOriginReport(for: holder))
      }
    case .fellBack, .terminating, .hostAnswers, .superseded: break
    }
  }

  /// Turns a port to a holder, unless a later claim to it is known.
  /// - Returns: the answer.
  private func turn(_ message: ControlMessage, for holder: HolderSession) -> ControlMessage {
    var answer = ControlMessage(.turnToHost, port: message.port, first: message.first)
    let count = message.first
    let isMatching = message.flag & ControlMessage.matching != 0
    for listener in inbound where listener.port == message.port {
      let isPlausible = count <= Self.lastCount && (highestCount == 0 || count <= highestCount + Self.longestStep)
      guard isPlausible, isMatching || count >= listener.count else {
        answer.flag = ControlMessage.laterClaim
        answer.first = listener.count
        return answer
      }
      let passesRefusals = message.flag & ControlMessage.passesRefusals != 0
      let homeAfter = min(message.second, 1 << 40) * 1000
      if isMatching {
        guard let rules = holder.rules(of: message.port) else {
          answer.flag = ControlMessage.noRules
          return answer
        }
        let later = listener.turnToHost(
          holder, rules: rules, count: count, passesRefusals: passesRefusals)
        if let later {
          answer.flag = ControlMessage.laterClaim
          answer.first = later
          return answer
        }
      } else {
        listener.turnToHost(holder, count: count, passesRefusals: passesRefusals, homeAfter: homeAfter)
      }
      highestCount = max(highestCount, count)
    }
    return answer
  }
}
