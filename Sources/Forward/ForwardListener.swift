import Agents
import CLinux
import HTTPMessages
import Relay
import TunnelProtocol

/// A host port whose connections become streams into the cluster. Lives on the relay's thread.
final class ForwardListener: Listener {
  private let endpoint: LinkEndpoint
  /// The address that connections get; while it is nil, they are refused.
  var target: Preamble?
  private(set) var connections: UInt64 = 0
  private(set) var refused: UInt64 = 0
  private(set) var lastProblem: String?
  /// For those who look at what passes.
  fileprivate let place: TapPlace
  /// Called when a dial fails: the target may have moved.
  private let onRefusal: (StreamStatus) -> Void
  /// The changes to requests, if this is `devtunnel open`'s.
  private let rewrite: HeadRewrite?

  init(
    loop: EventLoop, fd: Int32, endpoint: LinkEndpoint, target: Preamble?, place: TapPlace,
    rewrite: HeadRewrite? = nil,
    onRefusal: @escaping (StreamStatus) -> Void
  ) {
    self.place = place
    self.endpoint = endpoint
    self.target = target
    self.rewrite = rewrite
    self.onRefusal = onRefusal
    super.init(loop: loop, fd: fd)
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    connections += 1
    guard let target else { return refuse(connection, "the target is not known") }
    let budget = endpoint.connections
    guard budget.take() else {
      return refuse(
        connection,
        "\(budget.open) connections of this tunnel are open, and no more may be (raise the limit, `ulimit -n`)")
    }
    var (socket, pair) = (connection, nil as RewritingPair?)
    if let rewrite {
      guard let both = Self.socketPair() else {
        budget.giveBack()
        return refuse(connection, "the daemon is out of file descriptors (raise the limit, `ulimit -n`)")
      }
      pair = RewritingPair(loop: loop, client: connection, tunnel: both.near, rewrite: rewrite)
      socket = both.far
    }
    endpoint.withSession { [socket, pair] session in
      let end = session.flatMap { session in
        session.open {
          ForwardEnd(listener: self, session: session, slot: $0, fd: socket, preamble: target, pair: pair)
        }
      }
      guard end == nil else { return }
      budget.giveBack()
      let problem = session == nil ? "there was no tunnel for 5 s" : "the tunnel takes no more streams"
      pair?.fail(problem)
      self.refuse(socket, problem)
    }
  }

  override func turnedAway() {
    connections += 1
    refused += 1
    lastProblem = "the daemon is out of file descriptors (raise the limit, `ulimit -n`)"
  }

  private static func socketPair() -> (near: Int32, far: Int32)? {
    var both: (Int32, Int32) = (-1, -1)
    let result = withUnsafeMutablePointer(to: &both) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { clinux_socketpair($0) }
    }
    return result == 0 ? (both.0, both.1) : nil
  }

  private func refuse(_ connection: Int32, _ problem: String) {
    refused += 1
    lastProblem = problem
    clinux_reset(connection)
  }

  fileprivate func wasEnded() { endpoint.connections.giveBack() }

  /// - Returns: the reason.
  fileprivate func wasRefused(_ status: StreamStatus) -> String {
    let problem = Self.problem(status)
    refused += 1
    lastProblem = problem
    onRefusal(status)
    return problem
  }

  static func problem(_ status: StreamStatus) -> String {
    guard status == .refused else { return "the cluster side answered: \(status)" }
    return "the cluster side answered: refused. Nothing listens there at the Pod's address; "
      + "if the program listens on 127.0.0.1 alone, let it listen on 0.0.0.0, or use `kubectl port-forward`"
  }
}

private final class ForwardEnd: OpenerEnd {
  private let listener: ForwardListener
  /// The other end of the socket, if requests are rewritten.
  private weak var pair: RewritingPair?

  init(
    listener: ForwardListener, session: Session, slot: Int, fd: Int32, preamble: Preamble, pair: RewritingPair?
  ) {
    self.listener = listener
    self.pair = pair
    super.init(session: session, slot: slot, fd: fd, preamble: preamble)
    tap = loop.taps?.tap(listener.place, loop)
  }

  override func answered(_ status: StreamStatus) {
    if status != .connected {
      let problem = listener.wasRefused(status)
      pair?.fail(problem)
    }
    super.answered(status)
  }

  // A reset of the socket would be an end to its other end.
  override func wasReset() {
    pair?.close(reset: true)
    super.wasReset()
  }

  override func sessionClosed() {
    pair?.close(reset: true)
    super.sessionClosed()
  }

  override func abort() {
    pair?.close(reset: true)
    super.abort()
  }

  override func ended() { listener.wasEnded() }
}
