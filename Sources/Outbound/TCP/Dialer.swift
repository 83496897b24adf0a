import CLinux
import Relay
import TunnelProtocol

/// Calls back with the tunnel's open session: at once where there is one, with nil after 5 s without.
public typealias SessionSource = (@escaping (Session?) -> Void) -> Void

/// Where a connection leads.
enum Destination {
  case address(IPEndpoint)
  /// A full name, which the agent resolves.
  case name([UInt8], port: UInt16)
}

extension Destination {
  /// How a stream begins that leads there; nil for a name that is none.
  var preamble: Preamble? {
    switch self {
    case .address(let endpoint): Preamble(.tcp, port: endpoint.port, address: endpoint.address.bytes)
    case .name(let name, let port): Preamble(.tcp, port: port, name: name)
    }
  }
}

extension Destination: CustomStringConvertible {
  var description: String {
    switch self {
    case .address(let endpoint): endpoint.description
    case .name(let name, let port): "\(String(decoding: name, as: UTF8.self)):\(port)"
    }
  }
}

/// Leads accepted connections to their destinations, and keeps those that are under way so that they can be ended.
final class Dialer {
  let loop: EventLoop
  let sessions: SessionSource
  let routes: RouteTable
  let counters: OutboundCounters
  /// True if clients are led to addresses of the machine that the daemon runs on.
  var leadsToThisMachine = true
  /// Each connection counts twice, since it may lead to a socket of the host.
  private let budget: ConnectionBudget
  private var live: [ObjectIdentifier: OutboundConnection] = [:]
  private var leaving: [ObjectIdentifier: Farewell] = [:]
  private var isClosed = false

  init(
    loop: EventLoop, sessions: @escaping SessionSource, routes: RouteTable, counters: OutboundCounters,
    budget: ConnectionBudget = ConnectionBudget(limit: .max)
  ) {
    self.loop = loop
    self.budget = budget
    self.sessions = sessions
    self.routes = routes
    self.counters = counters
  }

  var liveCount: Int { live.count }

  /// Connects a client with a destination. Takes over the socket.
  /// - Parameters:
  ///   - others: tried in this order where the destination does not answer.
  ///   - backlog: what was read from the client already and is the destination's.
  ///   - reply: what the client is told of the outcome, before any payload; without it a failed dial resets the client.
  func connect(
    _ client: Int32, to destination: Destination, others: [Destination] = [], backlog: [UInt8] = [],
    reply: ((StreamStatus) -> [UInt8])? = nil
  ) {
    guard !isClosed else { return clinux_reset(client) }
    guard budget.take(2) else {
      counters.tcp.refused += 1
      counters.problem("as many connections of this tunnel are open as may be (raise the limit, `ulimit -n`)")
      if let reply { return dismiss(client, reply(.exhausted)) }
      return clinux_reset(client)
    }
    let connection = OutboundConnection(
      dialer: self, client: client, destination: destination, others: others, backlog: backlog, reply: reply)
    live[ObjectIdentifier(connection)] = connection
    connection.start()
  }

  func route(_ destination: Destination) -> Route {
    switch destination {
    case .address(let endpoint): routes.route(endpoint.address, now: loop.now)
    case .name: .cluster
    }
  }

  /// Checks whether the machine's own servers are meant, and kept from this client.
  func isKept(_ destination: Destination) -> Bool {
    guard !leadsToThisMachine, case .address(let endpoint) = destination else { return false }
    return switch route(destination) {
    case .cluster: false
    case .hostLoopback: true
    case .host: endpoint.address.isThisMachines
    }
  }

  func ended(_ connection: OutboundConnection) {
    if live.removeValue(forKey: ObjectIdentifier(connection)) != nil { budget.giveBack(2) }
  }

  /// Checks whether so many clients have connected and not said what they want that no more are let in.
  func isCrowded(by waiting: Int) -> Bool { waiting >= max(budget.limit / 2, 16) }

  /// Tells a client something last and closes its socket, which is taken over.
  func dismiss(_ client: Int32, _ bytes: [UInt8]) {
    guard !isClosed else { return clinux_reset(client) }
    let farewell = Farewell(loop: loop, fd: client, bytes: bytes) { [weak self] in self?.leaving[$0] = nil }
    leaving[ObjectIdentifier(farewell)] = farewell
    farewell.start()
  }

  /// Resets all connections.
  func close() {
    isClosed = true
    for farewell in leaving.values { farewell.close() }
    for connection in live.values { connection.close() }
    for _ in live { budget.giveBack(2) }
    live = [:]
  }
}
