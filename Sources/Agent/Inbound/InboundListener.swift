import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// One of the Pod's ports: each new connection goes to the host or to the origin.
final class InboundListener: Listener {
  let server: AgentServer
  /// The port as the Service targets it.
  let port: UInt16
  let boundPort: UInt16
  /// True if new connections go to the host.
  var goesToHost = false
  /// True if a refusal by the host is passed on to the client instead of falling back to the origin.
  var passesRefusals = false
  var toHost: UInt64 = 0
  var toOrigin: UInt64 = 0

  init?(server: AgentServer, port: UInt16) {
    var address = server.configuration.listenAddress ?? Self.everyAddress
    address.port = port
    var fd = clinux_tcp_listen(&address, 1024)
    if fd < 0, address.family == 6 {  // a node without IPv6
      address = clinux_address([0, 0, 0, 0], port: port) ?? address
      fd = clinux_tcp_listen(&address, 1024)
    }
    guard fd >= 0 else {
      AgentProgram.log("a port to listen on is taken or not allowed")
      return nil
    }
    clinux_local_address(fd, &address)
    boundPort = address.port
    self.server = server
    self.port = port
    super.init(loop: server.loop, fd: fd)
  }

  /// "::", which takes IPv4 as well.
  private static var everyAddress: clinux_address {
    var address = clinux_address()
    address.family = 6
    return address
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    server.connections += 1
    guard server.connections <= server.configuration.inboundLimits.connections else {
      AgentProgram.log("too many connections at once; further ones are reset", at: loop.now, after: &server.crowdLogged)
      return refuse(connection)
    }
    if goesToHost, let session = server.liveSession {
      let client = peer.unmapped
      let preamble = Preamble(.inbound, port: port, address: client.byteArray)
      let end = session.open {
        InboundEnd(listener: self, session: session, slot: $0, fd: connection, preamble: preamble)
      }
      if end != nil {
        toHost += 1
        return
      }
    }
    // An agent that takes this one for the origin: never make a loop.
    guard !server.origin.isAgent(peer.unmapped) else { return refuse(connection) }
    toOrigin += 1
    server.origin.pass(connection, port: port, backlog: []) { [server] in server.connections -= 1 }
  }

  /// Passes a connection that was on its way to the host to the origin.
  func fallBack(_ connection: Int32, backlog: [UInt8], status: StreamStatus) {
    toHost -= 1
    toOrigin += 1
    server.report(ControlMessage(.fellBack, port: port, flag: status.rawValue))
    server.origin.pass(connection, port: port, backlog: backlog) { [server] in server.connections -= 1 }
  }

  private func refuse(_ connection: Int32) {
    clinux_reset(connection)
    server.connections -= 1
  }
}

extension clinux_address {
  /// The address with ::ffff:10.0.0.1, as a listener for both families sees it, turned into 10.0.0.1.
  var unmapped: clinux_address {
    let own = byteArray
    guard family == 6, own.count == 16, own[10] == 0xff, own[11] == 0xff else { return self }
    for index in 0..<10 where own[index] != 0 { return self }
    return clinux_address([own[12], own[13], own[14], own[15]], port: port) ?? self
  }
}
