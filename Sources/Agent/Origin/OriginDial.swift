import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// Connects to the first of several addresses that accepts. An application behind another container may listen on its
/// Pod's loopback alone: that container is tried next.
final class OriginDial: Handler {
  private unowned(unsafe) let origin: Origin
  private let loop: EventLoop
  private var addresses: [clinux_address] = []
  private let port: UInt16
  private var completion: ((StreamStatus, Int32) -> Void)?
  private var fd: Int32 = -1
  private var current = clinux_address()
  private var attempt: UInt8 = 0
  private var status = StreamStatus.nameNotFound
  /// The limit for one address, µs.
  private static let patience: UInt64 = 1_000_000

  /// - Parameter gate: the port of the container in front of `port`; nil if there is none.
  init(
    origin: Origin, addresses: [clinux_address], port: UInt16, gate: UInt16?,
    completion: @escaping (StreamStatus, Int32) -> Void
  ) {
    self.origin = origin
    loop = origin.loop
    for var address in addresses.reversed() {
      if let gate {
        address.port = gate
        self.addresses.append(address)
      }
      address.port = port
      self.addresses.append(address)
    }
    self.port = port
    self.completion = completion
  }

  func next() {
    while var address = addresses.popLast() {
      current = address
      fd = clinux_tcp_connect(&address)
      guard fd >= 0 else {
        status = AcceptorEnd.status(-fd)
        origin.dialed(current, port, connected: false)
        continue
      }
      attempt &+= 1
      loop.watch(fd, self)
      loop.schedule(self, after: Self.patience, kind: attempt)
      return
    }
    finish(status, -1)
  }

  override func ready(_ events: UInt32) {
    guard fd >= 0, events & (clinux_EPOLLOUT | clinux_EPOLLERR | clinux_EPOLLHUP) != 0 else { return }
    let error = clinux_socket_error(fd)
    let socket = fd
    fd = -1
    loop.unwatch(socket)
    origin.dialed(current, port, connected: error == 0)
    if error == 0 { return finish(.connected, socket) }
    clinux_close(socket)
    status = AcceptorEnd.status(error)
    next()
  }

  override func timerFired(_ kind: UInt8) {
    guard fd >= 0, kind == attempt else { return }
    loop.unwatch(fd)
    clinux_close(fd)
    fd = -1
    status = .timedOut
    origin.dialed(current, port, connected: false)
    next()
  }

  private func finish(_ status: StreamStatus, _ socket: Int32) {
    loop.unregister(self)
    let told = completion
    completion = nil
    told?(status, socket)
  }
}

/// Dials the origin's Pods for a client until one answers or the time is over.
final class OriginPass: Handler {
  private unowned(unsafe) let origin: Origin
  private let port: UInt16
  private let limit: UInt64
  private let backlog: [UInt8]
  private var completion: ((Int32, [UInt8]) -> Void)?
  private var isSecond = false
  /// µs between the end of one attempt and the next, unless DNS takes longer.
  private static let pause: UInt64 = 250_000

  /// - Parameters:
  ///   - backlog: what the client has sent so far; it counts as waiting until the origin takes it.
  ///   - completion: gets the connected socket, or -1, and the backlog.
  init(
    origin: Origin, port: UInt16, until limit: UInt64, backlog: [UInt8],
    completion: @escaping (Int32, [UInt8]) -> Void
  ) {
    self.origin = origin
    self.port = port
    self.limit = limit
    self.backlog = backlog
    self.completion = completion
    super.init()
    origin.loop.blocks.count(backlog.count)
    if !backlog.isEmpty { origin.loop.register(self) }
  }

  override var waitingBytes: Int { backlog.count }
  override func shed() { finish(-1) }

  func dial() {
    guard completion != nil else { return }
    origin.dial(port) { _, fd in
      if fd >= 0 { return self.finish(fd) }
      // A Pod that refuses an unserved port has answered.
      if self.isSecond, !self.origin.hasServed(self.port) || self.origin.loop.now >= self.limit {
        return self.finish(-1)
      }
      self.origin.refresh {
        if self.isSecond { return self.waitForNext() }
        self.isSecond = true
        self.dial()
      }
    }
  }

  private func waitForNext() {
    if completion != nil { origin.loop.schedule(self, after: Self.pause, kind: 0) }
  }

  override func timerFired(_ kind: UInt8) { dial() }

  private func finish(_ fd: Int32) {
    guard let told = completion else {
      // It was shed meanwhile.
      if fd >= 0 { clinux_close(fd) }
      return
    }
    completion = nil
    origin.loop.unregister(self)
    origin.loop.blocks.count(-backlog.count)
    told(fd, backlog)
  }
}
