import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// Streams that the daemon opens: the control stream, and connections into the cluster.
final class AgentRouter: StreamRouter {
  private unowned(unsafe) let server: AgentServer

  init(server: AgentServer) { self.server = server }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    let server = server
    switch preamble.kind {
    case .control:
      let end = ControlEnd(session: session, slot: slot, opening: false) { [unowned(unsafe) server] in server.handle($0) }
      server.attachControl(end)
      return end
    case .tcp:
      server.connections += 1
      let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
      connect(end, to: preamble)
      return end
    default:
      let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
      server.connections += 1
      end.refuse(.notServed)
      return end
    }
  }

  private func connect(_ end: AcceptorEnd, to preamble: Preamble) {
    if let address = clinux_address(preamble.address, port: preamble.port) { return end.connect(to: address) }
    server.origin.resolver.resolve(preamble.address) { outcome in
      switch outcome {
      case .addresses(var addresses):
        guard !addresses.isEmpty else { return end.refuse(.nameNotFound) }
        addresses[0].port = preamble.port
        end.connect(to: addresses[0])
      case .noSuchName: end.refuse(.nameNotFound)
      case .noAnswer: end.refuse(.timedOut)
      }
    }
  }

  override func ended(_ preamble: Preamble) { server.connections -= 1 }
}

extension clinux_address {
  /// nil where the bytes are neither an IPv4 nor an IPv6 address.
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
