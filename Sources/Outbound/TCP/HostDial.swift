import CLinux
import Relay
import TunnelProtocol

/// A connection from the daemon's own network, until it is open or has failed.
final class HostDial: Handler {
  enum Outcome {
    /// Belongs to the receiver; no loop watches it.
    case connected(Int32)
    case failed(StreamStatus)
  }

  private let loop: EventLoop
  private let endpoint: IPEndpoint
  private let limit: UInt64
  private var fd: Int32 = -1
  private var completion: ((Outcome) -> Void)?

  /// - Parameter limit: µs; the agent's own limit for dials, unless another destination can be tried.
  init(
    loop: EventLoop, to endpoint: IPEndpoint, limit: UInt64 = AcceptorEnd.connectLimit,
    completion: @escaping (Outcome) -> Void
  ) {
    self.loop = loop
    self.endpoint = endpoint
    self.limit = limit
    self.completion = completion
  }

  func start() {
    loop.register(self)
    var address = endpoint.socketAddress
    fd = clinux_tcp_connect(&address)
    guard fd >= 0 else { return end(.failed(AcceptorEnd.status(-fd))) }
    loop.watch(fd, self)
    loop.schedule(self, after: limit, kind: 0)
  }

  override func ready(_ events: UInt32) {
    guard fd >= 0, events & (clinux_EPOLLOUT | clinux_EPOLLERR | clinux_EPOLLHUP) != 0 else { return }
    let error = clinux_socket_error(fd)
    guard error == 0 else { return end(.failed(AcceptorEnd.status(error))) }
    let socket = fd
    loop.unwatch(socket)
    fd = -1
    end(.connected(socket))
  }

  override func timerFired(_ kind: UInt8) { end(.failed(.timedOut)) }

  /// Ends the dial without calling the completion.
  func cancel() {
    completion = nil
    end(.failed(.failed))
  }

  private func end(_ outcome: Outcome) {
    if fd >= 0 {
      loop.unwatch(fd)
      clinux_close(fd)
      fd = -1
    }
    loop.unregister(self)
    let told = completion
    completion = nil
    told?(outcome)
  }
}
