import CLinux
import KubeStreams
import Relay
import TunnelProtocol

/// An event that the relay's thread reports to the link.
enum LinkEvent: Sendable {
  case session(SessionEvent)
  case message(ControlMessage)
  /// The API server's words about the port-forward.
  case problem(String)
}

/// The link's part on the relay's thread: the present session, and the connections that wait for one.
public final class LinkEndpoint {
  public let loop: EventLoop
  public let router: HostRouter
  /// The tunnel's connections that have a descriptor in this process, in either direction.
  public let connections: ConnectionBudget
  /// The present session, maybe not open yet; nil without one.
  public private(set) var session: Session?
  private var control: ControlEnd?
  private let pool = WindowPool()
  private var waiting: [Waiting] = []

  private struct Waiting {
    let since: UInt64
    let open: (Session?) -> Void
  }

  /// The time that a new connection waits for a session before it is reset, µs.
  private static let patience: UInt64 = 5_000_000

  init(loop: EventLoop) {
    self.loop = loop
    connections = ConnectionBudget(limit: loop.tunnelLimit, within: loop.connections)
    router = HostRouter(loop: loop, budget: connections)
  }

  /// Starts a session over a new port-forward; the old one, if any, ends.
  func attach(_ connection: PortForwardConnection, hello: Hello, tell: @escaping @Sendable (LinkEvent) -> Void) {
    detach()
    let carrier = connection.carrier(on: loop)
    carrier.onProblem = { tell(.problem($0)) }
    let session = Session(loop: loop, carrier: carrier, hello: hello, pool: pool)
    session.router = router
    session.onEvent = { [unowned self, unowned session] event in
      switch event {
      case .opened: self.opened(session, tell)
      case .carrierEnded, .violation, .refused:
        if self.session === session {
          self.session = nil
          self.control = nil
        }
      case .silent, .heardAgain: break
      }
      tell(.session(event))
    }
    self.session = session
    session.start()
  }

  private func opened(_ session: Session, _ tell: @escaping @Sendable (LinkEvent) -> Void) {
    control =
      session.open { slot in ControlEnd(session: session, slot: slot, opening: true) { tell(.message($0)) } }
      as? ControlEnd
    let due = waiting
    waiting = []
    for item in due { item.open(session) }
  }

  func detach() {
    let old = session
    session = nil
    control = nil
    old?.close()
  }

  func send(_ message: ControlMessage) { control?.send(message) }

  /// Calls back with an open session: at once, or when the link is up again; with nil after five seconds without one.
  public func withSession(_ open: @escaping (Session?) -> Void) {
    if let session, session.isOpen { return open(session) }
    waiting.append(Waiting(since: loop.now, open: open))
  }

  /// Gives up on connections that have waited too long; the link calls it every second.
  func expire() {
    while let first = waiting.first, loop.now - first.since > Self.patience {
      waiting.removeFirst()
      first.open(nil)
    }
  }

  func refuseWaiting() {
    let due = waiting
    waiting = []
    for item in due { item.open(nil) }
  }

  /// Figures of the present session, all zero without one.
  public struct Figures: Sendable {
    public var isOpen = false
    public var isSilent = false
    /// In microseconds; nil before the first answer to a ping.
    public var roundTrip: UInt64?
    public var streams = 0
    public var sentBytes: UInt64 = 0
    public var receivedBytes: UInt64 = 0
  }

  public var figures: Figures {
    guard let session else { return Figures() }
    return Figures(
      isOpen: session.isOpen, isSilent: session.isSilent, roundTrip: session.mux.lastRoundTrip,
      streams: session.mux.streamCount,
      sentBytes: session.sentBytes, receivedBytes: session.receivedBytes)
  }
}
