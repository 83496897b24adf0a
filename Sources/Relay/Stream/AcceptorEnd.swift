import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// A stream that the peer opened, for a socket that this side connects.
public final class AcceptorEnd: SocketEnd {
  private let router: StreamRouter
  private let preamble: Preamble
  private var connecting = false
  private var refused = false
  /// The addresses after the one being dialled, last first.
  private var untried: [clinux_address] = []
  /// µs of the loop's clock: the end of the present dial, and of all.
  private var attemptEnd: UInt64 = 0
  private var dialEnd: UInt64 = 0
  private static let connectTimer: UInt8 = 1
  /// The time after which a dial has timed out, µs.
  public static let connectLimit: UInt64 = 10_000_000
  /// The same while further addresses are left: the longest wait for the next one in RFC 8305 section 5.
  public static let attemptLimit: UInt64 = 2_000_000

  public init(session: Session, slot: Int, preamble: Preamble, router: StreamRouter) {
    self.router = router
    self.preamble = preamble
    super.init(session: session, slot: slot)
    loop.register(self)
  }

  /// Connects the stream; called at once or later.
  public func connect(to address: clinux_address) { connect(to: [address]) }

  /// Connects the stream to the first of these that answers, tried in turn; called at once or later.
  public func connect(to addresses: [clinux_address]) {
    guard !isOver, !refused else { return }
    dialEnd = loop.now + Self.connectLimit
    untried = addresses.reversed()
    dialNext(after: .failed)
  }

  /// - Parameter failure: the result for the previous address, reported if none is left, or no time.
  private func dialNext(after failure: StreamStatus) {
    var failure = failure
    while loop.now < dialEnd, var address = untried.popLast() {
      let socket = clinux_tcp_connect(&address)
      if socket >= 0 { return begin(socket) }
      failure = Self.status(-socket)
    }
    refuse(failure)
  }

  private func failed(_ status: StreamStatus) {
    connecting = false
    guard !untried.isEmpty else { return refuse(status) }
    loop.unwatch(fd)
    clinux_close(fd)
    fd = -1
    dialNext(after: status)
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
    let limit = untried.isEmpty ? Self.connectLimit : Self.attemptLimit
    attemptEnd = loop.now + limit
    loop.schedule(self, after: limit, kind: Self.connectTimer)
  }

  /// Reports to the opener that the stream could not be connected.
  public func refuse(_ status: StreamStatus) {
    guard !isOver, !refused else { return }
    refused = true
    #if !hasFeature(Embedded)
      tap?.refused()
    #endif
    prefix = [status.rawValue]
    session.wantsToSend(self)
    router.refused(preamble, status)
  }

  public override func produced() { if refused { over(reset: true) } else { super.produced() } }

  public override func ready(_ events: UInt32) {
    if connecting {
      guard events & (clinux_EPOLLOUT | clinux_EPOLLERR | clinux_EPOLLHUP) != 0 else { return }
      let error = clinux_socket_error(fd)
      guard error == 0 else { return failed(Self.status(error)) }
      connecting = false
      untried = []
      prefix = [StreamStatus.connected.rawValue]
      // The opener has sent its request already; the answer carries the status.
      flowTogether()
      if !isOver { super.ready(events) }
    } else {
      super.ready(events)
    }
  }

  public override func timerFired(_ kind: UInt8) {
    guard kind == Self.connectTimer else { return super.timerFired(kind) }
    // A timer of an earlier address is ignored.
    if connecting, loop.now >= attemptEnd { failed(.timedOut) }
  }

  public override func ended() { router.ended(self, preamble) }

  /// Returns the status for an error number of connect(2).
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
