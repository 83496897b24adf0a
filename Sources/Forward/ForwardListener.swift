import Agents
import CLinux
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
  /// Called when a dial fails: the target may have moved.
  private let onRefusal: (StreamStatus) -> Void

  init(
    loop: EventLoop, fd: Int32, endpoint: LinkEndpoint, target: Preamble?, onRefusal: @escaping (StreamStatus) -> Void
  ) {
    self.endpoint = endpoint
    self.target = target
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
    endpoint.withSession { session in
      let end = session.flatMap { session in
        session.open { ForwardEnd(listener: self, session: session, slot: $0, fd: connection, preamble: target) }
      }
      guard end == nil else { return }
      budget.giveBack()
      self.refuse(connection, session == nil ? "there was no tunnel for 5 s" : "the tunnel takes no more streams")
    }
  }

  override func turnedAway() {
    connections += 1
    refused += 1
    lastProblem = "the daemon is out of file descriptors (raise the limit, `ulimit -n`)"
  }

  private func refuse(_ connection: Int32, _ problem: String) {
    refused += 1
    lastProblem = problem
    clinux_reset(connection)
  }

  fileprivate func wasEnded() { endpoint.connections.giveBack() }

  fileprivate func wasRefused(_ status: StreamStatus) {
    refused += 1
    lastProblem = Self.problem(status)
    onRefusal(status)
  }

  static func problem(_ status: StreamStatus) -> String {
    guard status == .refused else { return "the cluster side answered: \(status)" }
    return "the cluster side answered: refused. Nothing listens there at the Pod's address; "
      + "if the program listens on 127.0.0.1 alone, let it listen on 0.0.0.0, or use `kubectl port-forward`"
  }
}

private final class ForwardEnd: OpenerEnd {
  private let listener: ForwardListener

  init(listener: ForwardListener, session: Session, slot: Int, fd: Int32, preamble: Preamble) {
    self.listener = listener
    super.init(session: session, slot: slot, fd: fd, preamble: preamble)
  }

  override func answered(_ status: StreamStatus) {
    if status != .connected { listener.wasRefused(status) }
    super.answered(status)
  }

  override func ended() { listener.wasEnded() }
}
