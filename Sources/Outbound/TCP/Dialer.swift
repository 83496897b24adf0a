import CLinux
import Relay
import TunnelProtocol

/// Calls back with the tunnel's open session: at once if it exists, with nil after 5 s without.
public typealias SessionSource = (@escaping (Session?) -> Void) -> Void

/// The destination of a connection.
enum Destination {
  case address(IPEndpoint)
  /// A full name, which the agent resolves.
  case name([UInt8], port: UInt16)
}

extension Destination {
  /// The beginning of a stream to the destination; nil for an invalid name.
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

/// Connects accepted clients to their destinations, and keeps active connections so that they can be ended.
final class Dialer {
  let loop: EventLoop
  let sessions: SessionSource
  let routes: RouteTable
  let counters: OutboundCounters
  /// True if clients may reach addresses of the machine that the daemon runs on.
  var leadsToThisMachine = true
  /// Each connection counts twice, since it may use a socket of the host too.
  private let budget: ConnectionBudget
  private var live: [ObjectIdentifier: OutboundConnection] = [:]
  private(set) var leaving: [ObjectIdentifier: Farewell] = [:]
  private var isClosed = false
  private let place: TapPlace?

  init(
    loop: EventLoop, sessions: @escaping SessionSource, routes: RouteTable, counters: OutboundCounters,
    budget: ConnectionBudget = ConnectionBudget(limit: .max), place: TapPlace? = nil
  ) {
    self.loop = loop
    self.place = place
    self.budget = budget
    self.sessions = sessions
    self.routes = routes
    self.counters = counters
  }

  var liveCount: Int { live.count }

  /// Connects a client to a destination. Takes over the socket.
  /// - Parameters:
  ///   - others: tried in this order if the destination does not answer.
  ///   - backlog: bytes for the destination that were read from the client already.
  ///   - reply: the client's answer for an outcome, sent before any payload; without it a failed dial
  ///     resets the client.
  func connect(
    _ client: Int32, to destination: Destination, others: [Destination] = [], backlog: [UInt8] = [],
    reply: ((StreamStatus) -> [UInt8])? = nil
  ) {
    guard !isClosed else { return clinux_reset(client) }
    guard budget.take(2) else {
      counters.tcp.refused += 1
      counters.problem("this tunnel has reached its limit of connections (raise the limit, `ulimit -n`)")
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

  /// Makes the tap of a connection into the cluster.
  func tap(_ destination: Destination) -> StreamTap? {
    guard let taps = loop.taps, var place else { return nil }
    switch destination {
    case .address(let endpoint):
      place.service = endpoint.address.description
      place.port = Int(endpoint.port)
    case .name(let name, let port):
      place.service = String(decoding: name, as: UTF8.self)
      place.port = Int(port)
    }
    return taps.tap(place, loop)
  }

  /// Checks whether the destination is a server of this machine that this client may not reach.
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

  /// Checks whether too many clients have connected without a request, so that no more are let in.
  func isCrowded(by waiting: Int) -> Bool { waiting >= max(budget.limit / 2, 16) }

  /// Last messages on their way: no connection is counted any more by then, so nothing else bounds their descriptors.
  static let mostFarewells = 64

  /// Sends a client a last message and closes its socket, which is taken over. One too many is reset.
  func dismiss(_ client: Int32, _ bytes: [UInt8]) {
    guard !isClosed, leaving.count < Self.mostFarewells else { return clinux_reset(client) }
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
