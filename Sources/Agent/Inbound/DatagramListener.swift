import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// Takes a UDP port of the Pod, and passes its datagrams to the workload's own Pods.
final class DatagramListener: Handler {
  private unowned(unsafe) let server: AgentServer
  let boundPort: UInt16
  private let port: UInt16
  private var fd: Int32
  /// The flows, one for each client: the one used last is first.
  private var first: DatagramFlow?
  private unowned(unsafe) var last: DatagramFlow?
  private var count = 0
  private let limit: Int
  /// The most flows at once: each datagram looks for its own among them.
  private static let most = 1024
  /// Datagrams read in one turn before others have theirs.
  static let turnBudget = 256

  init?(server: AgentServer, port: UInt16) {
    guard let socket = PodSocket(server.configuration, port: port, bind: { clinux_udp_bind($0) }) else {
      AgentProgram.log("a UDP port is taken or not allowed")
      return nil
    }
    fd = socket.fd
    boundPort = socket.port
    self.server = server
    self.port = port
    limit = min(max(server.configuration.inboundLimits.connections / 4, 1), Self.most)
    super.init()
    server.loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    let loop = server.loop
    for _ in 0..<Self.turnBudget {
      var client = clinux_address()
      guard fd >= 0 else { return }
      let size = clinux_receive_from(fd, loop.scratch, EventLoop.scratchSize, &client)
      guard size >= 0 else { return }
      // An agent that takes this one for the origin: never make a loop.
      guard !server.origin.isAgent(client.unmapped) else { continue }
      flow(of: client)?.send(loop.scratch, size)
    }
    loop.readAgain(self)
  }

  /// Returns the client's flow, now the first; nil if the origin has no Pod.
  private func flow(of client: clinux_address) -> DatagramFlow? {
    var client = client
    var found = first
    while let flow = found, !flow.isOf(&client) { found = flow.next }
    if let found {
      if found === first { return found }
      take(found)
      insert(found)
      return found
    }
    guard var pod = server.origin.nextAddress() else { return nil }
    pod.port = port
    if count >= limit { last?.close() }
    guard let flow = DatagramFlow(listener: self, loop: server.loop, client: client, pod: &pod) else { return nil }
    insert(flow)
    return flow
  }

  private func insert(_ flow: DatagramFlow) {
    flow.next = first
    if let first { first.previous = flow } else { last = flow }
    first = flow
    count += 1
  }

  /// Takes a flow out of the list.
  func take(_ flow: DatagramFlow) {
    if let next = flow.next { next.previous = flow.previous } else { last = flow.previous }
    if let previous = flow.previous { previous.next = flow.next } else { first = flow.next }
    flow.next = nil
    flow.previous = nil
    count -= 1
  }

  /// Sends an answer to a client; one that the socket does not take is lost, as the network would lose it.
  func answer(_ client: inout clinux_address, _ size: Int) {
    guard fd >= 0 else { return }
    _ = clinux_send_to(fd, server.loop.scratch, size, &client)
  }

  var idleLimits: AgentConfiguration.IdleLimits { server.configuration.idleLimits }

  func close() {
    while let first { first.close() }
    server.loop.end(self, &fd)
  }
}

/// The datagrams of one client: a socket that is connected to one Pod of the origin.
final class DatagramFlow: Handler {
  private unowned(unsafe) let listener: DatagramListener
  private let loop: EventLoop
  private var client: clinux_address
  private var fd: Int32
  private var usedAt: UInt64
  private var hasHeard = false
  // In the listener's list.
  var next: DatagramFlow?
  unowned(unsafe) var previous: DatagramFlow?

  init?(listener: DatagramListener, loop: EventLoop, client: clinux_address, pod: inout clinux_address) {
    self.listener = listener
    self.loop = loop
    self.client = client
    usedAt = loop.now
    fd = clinux_udp_connect(&pod)
    super.init()
    guard fd >= 0 else { return nil }
    loop.watch(fd, self)
    loop.schedule(self, after: listener.idleLimits.oneWay, kind: 0)
  }

  func isOf(_ other: inout clinux_address) -> Bool {
    client.port == other.port && clinux_same_host(&client, &other) != 0
  }

  func send(_ bytes: UnsafeMutableRawPointer, _ size: Int) {
    usedAt = loop.now
    // The answer to an earlier one may be that nothing listens (udp(7)): the next goes to another Pod.
    if UDPEnd.isUnreachable(clinux_send(fd, bytes, size)) { close() }
  }

  override func ready(_ events: UInt32) {
    for _ in 0..<DatagramListener.turnBudget {
      guard fd >= 0 else { return }
      let size = clinux_receive_parts(fd, loop.scratch, EventLoop.scratchSize, loop.scratch, 0)
      guard size >= 0 else {
        if UDPEnd.isUnreachable(size) { close() }
        return
      }
      usedAt = loop.now
      hasHeard = true
      listener.answer(&client, size)
    }
    loop.readAgain(self)
  }

  override func timerFired(_ kind: UInt8) {
    let limit = hasHeard ? listener.idleLimits.bothWays : listener.idleLimits.oneWay
    let idle = loop.now - usedAt
    if idle < limit { loop.schedule(self, after: limit - idle, kind: 0) } else { close() }
  }

  func close() {
    guard loop.end(self, &fd) else { return }
    listener.take(self)
  }
}
