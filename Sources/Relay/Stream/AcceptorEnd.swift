import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A stream the peer opened, which leads to a socket that this side connects.
public final class AcceptorEnd: SocketEnd {
  private let router: StreamRouter
  private let preamble: Preamble
  private var connecting = false
  private var refused = false
  private static let connectTimer: UInt8 = 1
  /// A dial that takes longer has timed out, µs.
  public static let connectLimit: UInt64 = 10_000_000

  public init(session: Session, slot: Int, preamble: Preamble, router: StreamRouter) {
    self.router = router
    self.preamble = preamble
    super.init(session: session, slot: slot)
    loop.register(self)
  }

  /// Connects the stream; called at once or later.
  public func connect(to address: clinux_address) {
    guard !isOver, !refused else { return }
    var address = address
    let socket = clinux_tcp_connect(&address)
    guard socket >= 0 else { return refuse(Self.status(-socket)) }
    begin(socket)
  }

  /// Connects the stream by a socket made elsewhere, which this end takes over; -1 for none: it is refused.
  public func connect(socket: Int32, to address: clinux_address) {
    guard !isOver, !refused else { return clinux_close(socket) }
    guard socket >= 0 else { return refuse(.refused) }
    var address = address
    let problem = clinux_tcp_connect_socket(socket, &address)
    guard problem == 0 else {
      clinux_close(socket)
      return refuse(Self.status(-problem))
    }
    begin(socket)
  }

  private func begin(_ socket: Int32) {
    fd = socket
    connecting = true
    loop.watch(socket, self)
    loop.schedule(self, after: Self.connectLimit, kind: Self.connectTimer)
  }

  /// Tells the opener that the stream leads nowhere.
  public func refuse(_ status: StreamStatus) {
    guard !isOver, !refused else { return }
    refused = true
    prefix = [status.rawValue]
    session.wantsToSend(self)
    router.refused(preamble, status)
  }

  public override func produced() { if refused { over(reset: true) } else { super.produced() } }

  public override func ready(_ events: UInt32) {
    if connecting {
      guard events & (clinux_EPOLLOUT | clinux_EPOLLERR | clinux_EPOLLHUP) != 0 else { return }
      connecting = false
      let error = clinux_socket_error(fd)
      guard error == 0 else { return refuse(Self.status(error)) }
      prefix = [StreamStatus.connected.rawValue]
      // The opener has sent its request already; the answer brings the status along.
      flowTogether()
      if !isOver { super.ready(events) }
    } else {
      super.ready(events)
    }
  }

  public override func timerFired(_ kind: UInt8) {
    guard kind == Self.connectTimer else { return super.timerFired(kind) }
    if connecting {
      connecting = false
      refuse(.timedOut)
    }
  }

  public override func ended() { router.ended(preamble) }

  public static func status(_ errno: Int32) -> StreamStatus {
    switch errno {
    case clinux_ECONNREFUSED: .refused
    case clinux_ETIMEDOUT: .timedOut
    case clinux_EHOSTUNREACH, clinux_ENETUNREACH, clinux_EACCES: .unreachable
    case clinux_EMFILE, clinux_ENFILE: .exhausted
    default: .failed
    }
  }
}
