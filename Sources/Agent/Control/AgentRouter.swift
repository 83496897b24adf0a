import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The streams that the daemon opens: the control stream, and those into the cluster.
final class AgentRouter: StreamRouter {
  private unowned(unsafe) let server: AgentServer

  init(server: AgentServer) { self.server = server }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let server = server
    switch preamble.kind {
    case .control:
      let end = ControlEnd(session: session, slot: slot, opening: false) {
        [unowned(unsafe) server, unowned(unsafe) session] in server.handle($0, from: session)
      }
      server.holder(of: session)?.control = end
      return end
    case .tcp:
      server.connections += 1
      let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
      connect(end, to: preamble)
      return end
    case .udp:
      let end = UDPEnd(session: session, slot: slot, idleLimits: server.configuration.idleLimits)
      find(preamble) { status, addresses in
        if status == .connected { end.connect(to: addresses[0]) } else { end.answer(status) }
      }
      return end
    case .dns:
      let end = DNSEnd(session: session, slot: slot, limits: server.configuration.queryLimits)
      if var address = clinux_address(preamble.address, port: preamble.port) {
        if address.port == 0 { address.port = 53 }
        end.serve([address])
      } else if preamble.address.isEmpty {
        end.serve(server.nameservers)
      } else {
        end.answer(.notServed)
      }
      return end
    case .file: return route(file: preamble, slot: slot, session: session)
    case .rules:
      guard server.serves(preamble.port) else { return refuse(preamble, slot: slot, session: session) }
      return RulesEnd(session: session, slot: slot) { [unowned(unsafe) server, unowned(unsafe) session] rules in
        server.holder(of: session)?.keep(rules, port: preamble.port)
      }
    case .exchanges:
      for listener in server.inbound where listener.port == preamble.port && !listener.isWatched(by: session) {
        return ExchangesEnd(session: session, slot: slot, listener: listener)
      }
      return refuse(preamble, slot: slot, session: session)
    case .inbound: return refuse(preamble, slot: slot, session: session)
    }
  }

  private func route(file preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    switch FileOperation(rawValue: preamble.port) {
    case .contents:
      let end = FileEnd(session: session, slot: slot)
      end.serve(preamble.address)
      return end
    case .signature:
      let end = SignatureEnd(session: session, slot: slot)
      end.serve(preamble.address)
      return end
    case nil: return refuse(preamble, slot: slot, session: session)
    }
  }

  private func refuse(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd {
    let end = ServedEnd(session: session, slot: slot)
    end.answer(.notServed)
    return end
  }

  private func connect(_ end: AcceptorEnd, to preamble: Preamble) {
    find(preamble) { status, addresses in
      if status == .connected { end.connect(to: addresses) } else { end.refuse(status) }
    }
  }

  /// Finds the preamble's address, or those of its name; `connected` with at least one, at once or later.
  private func find(_ preamble: Preamble, _ found: @escaping (StreamStatus, [clinux_address]) -> Void) {
    if let address = clinux_address(preamble.address, port: preamble.port) { return found(.connected, [address]) }
    server.origin.resolver.resolve(preamble.address) { outcome in
      switch outcome {
      case .addresses(var addresses):
        guard !addresses.isEmpty else { return found(.nameNotFound, []) }
        for index in addresses.indices { addresses[index].port = preamble.port }
        found(.connected, addresses)
      case .noSuchName: found(.nameNotFound, [])
      case .noAnswer: found(.timedOut, [])
      }
    }
  }

  override func ended(_ end: StreamEnd, _ preamble: Preamble) { server.connections -= 1 }
}

extension clinux_address {
  /// nil if the bytes are neither an IPv4 nor an IPv6 address.
  init?(_ bytes: [UInt8], port: UInt16) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.init()
    family = bytes.count == 4 ? 4 : 6
    self.port = port
    withUnsafeMutableBytes(of: &self.bytes) { own in for index in bytes.indices { own[index] = bytes[index] } }
  }

  /// The address's 4 or 16 bytes.
  var byteArray: [UInt8] {
    var copy = self.bytes
    let count = family == 4 ? 4 : 16
    return withUnsafeBytes(of: &copy) { own in
      var result: [UInt8] = []
      for index in 0..<count { result.append(own[index]) }
      return result
    }
  }
}
