import CLinux
import Relay
import TunnelProtocol

/// Routes connections that arrive at the agent to the host's ports, or to those of another cluster. Lives on the
/// relay's thread.
public final class HostRouter: StreamRouter {
  private let loop: EventLoop
  private var targets: [UInt16: clinux_address] = [:]
  private var joins: [UInt16: JoinedTarget] = [:]
  private var places: [UInt16: TapPlace] = [:]
  /// The number of connections open now, by the agent's port.
  public private(set) var open: [UInt16: Int] = [:]
  /// Makes the sockets from which connections to the host leave; with nil, this process does, in its own network. It
  /// calls back with an unconnected TCP socket that the router then owns, or with -1.
  public var makeSocket: ((_ completion: @escaping (Int32) -> Void) -> Void)?
  /// Counts connections with a socket on the host. Anyone who can call the Service makes them: one beyond the limit is
  /// refused, and goes to the origin.
  private let budget: ConnectionBudget
  private var held: Set<ObjectIdentifier> = []
  private var ends: [ObjectIdentifier: (end: StreamEnd, port: UInt16)] = [:]

  init(loop: EventLoop, budget: ConnectionBudget) {
    self.loop = loop
    self.budget = budget
  }

  /// Sets the host's address for connections to the agent's `port`; nil refuses them.
  public func setTarget(_ address: clinux_address?, for port: UInt16) { targets[port] = address }

  /// Names the place of connections to the agent's `port`, for those who look at what passes.
  public func setPlace(_ place: TapPlace, for port: UInt16) { places[port] = place }

  /// Joins connections to the agent's `port` to a port of another cluster.
  public func join(_ target: JoinedTarget, for port: UInt16) { joins[port] = target }

  public override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    guard preamble.kind == .inbound else { return nil }
    if let target = joins[preamble.port] {
      open[preamble.port, default: 0] += 1
      let end = target.accept(preamble, slot: slot, session: session, router: self)
      ends[ObjectIdentifier(end)] = (end, preamble.port)
      return end
    }
    let end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    open[preamble.port, default: 0] += 1
    ends[ObjectIdentifier(end)] = (end, preamble.port)
    guard let target = targets[preamble.port] else {
      end.refuse(.notServed)
      return end
    }
    guard budget.take() else {
      end.refuse(.exhausted)
      return end
    }
    held.insert(ObjectIdentifier(end))
    if let taps = loop.taps, let place = places[preamble.port] { end.tap = taps.tap(place, loop) }
    if let makeSocket { makeSocket { end.connect(socket: $0, to: target) } } else { end.connect(to: target) }
    return end
  }

  public override func ended(_ end: StreamEnd, _ preamble: Preamble) {
    open[preamble.port, default: 1] -= 1
    ends[ObjectIdentifier(end)] = nil
    if held.remove(ObjectIdentifier(end)) != nil { budget.giveBack() }
  }

  /// Dials the host's target for the agent's `port`, and closes the connection at once.
  func probe(_ port: UInt16, _ completion: @escaping (StreamStatus) -> Void) {
    guard var target = targets[port] else { return completion(.notServed) }
    guard let makeSocket else {
      return TargetProbe(loop: loop, completion).start(clinux_tcp_connect(&target))
    }
    makeSocket { [loop] socket in
      guard socket >= 0 else { return completion(.refused) }
      let problem = clinux_tcp_connect_socket(socket, &target)
      if problem < 0 { clinux_close(socket) }
      TargetProbe(loop: loop, completion).start(problem < 0 ? problem : socket)
    }
  }

  /// Resets the connections of these ports that are still open, nil: of all; returns their number.
  public func cut(_ ports: Set<UInt16>? = nil) -> Int {
    let left = ends.values.filter { ports?.contains($0.port) ?? true }
    for item in left { item.end.abort() }
    return left.count
  }
}

/// One dial of the host's target.
private final class TargetProbe: Handler {
  private let loop: EventLoop
  private var fd: Int32 = -1
  private let completion: (StreamStatus) -> Void
  private static let limit: UInt64 = 1_000_000

  init(loop: EventLoop, _ completion: @escaping (StreamStatus) -> Void) {
    self.loop = loop
    self.completion = completion
  }

  /// - Parameter socket: one that connects, or -errno.
  func start(_ socket: Int32) {
    guard socket >= 0 else { return completion(AcceptorEnd.status(-socket)) }
    fd = socket
    loop.watch(socket, self)
    loop.schedule(self, after: Self.limit, kind: 0)
  }

  override func ready(_ events: UInt32) {
    guard fd >= 0, events & (clinux_EPOLLOUT | clinux_EPOLLERR | clinux_EPOLLHUP) != 0 else { return }
    let error = clinux_socket_error(fd)
    end(error == 0 ? .connected : AcceptorEnd.status(error))
  }

  override func timerFired(_ kind: UInt8) { end(.timedOut) }

  private func end(_ status: StreamStatus) {
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
    fd = -1
    completion(status)
  }
}
