import CLinux

#if !hasFeature(Embedded)
  import Relay
#endif

/// A connection that waits to hear if the agent is ready.
class ReadinessWaiter: Handler {
  static let readinessTimer: UInt8 = 1

  func answer(ready: Bool) {}
}

/// A port of the Pod's for a readiness probe over HTTP: for the node a process in the container costs much more.
final class ReadinessListener: Listener {
  private unowned(unsafe) let server: AgentServer
  let boundPort: UInt16
  /// The oldest first. Anyone may connect.
  private var requests: [ReadinessRequest] = []
  private static let mostRequests = 128

  init?(server: AgentServer, port: UInt16) {
    guard let socket = PodSocket(server.configuration, port: port, bind: { clinux_tcp_listen($0, 64) }) else {
      AgentProgram.log("the readiness port is taken")
      return nil
    }
    boundPort = socket.port
    self.server = server
    super.init(loop: server.loop, fd: socket.fd)
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    if requests.count == Self.mostRequests { requests[leastWanted].end() }
    let request = ReadinessRequest(server: server, listener: self, fd: connection, peer: peer.unmapped.byteArray)
    requests.append(request)
    request.start()
    // The node's request is read before others can push it out.
    request.ready(clinux_EPOLLIN)
  }

  /// The oldest one of the address that has the most: the node has few.
  private var leastWanted: Int {
    var (best, most) = (0, 0)
    for index in requests.indices {
      var count = 0
      for other in requests where other.peer == requests[index].peer { count += 1 }
      if count > most { (best, most) = (index, count) }
    }
    return best
  }

  func forget(_ request: ReadinessRequest) { requests.removeAll { $0 === request } }
}

/// A request whose answer is 200 or 503. It is read to the end of its head, since a close over unread bytes is a reset.
final class ReadinessRequest: ReadinessWaiter {
  private unowned(unsafe) let server: AgentServer
  private let listener: ReadinessListener
  private var fd: Int32
  let peer: [UInt8]
  private var size = 0
  /// The bytes of "\r\n\r\n" that came last.
  private var ending = 0
  private static let mostBytes = 8192
  /// µs
  private static let patience: UInt64 = 3_000_000
  private static let patienceTimer: UInt8 = 0

  init(server: AgentServer, listener: ReadinessListener, fd: Int32, peer: [UInt8]) {
    self.server = server
    self.listener = listener
    self.fd = fd
    self.peer = peer
  }

  func start() {
    server.loop.watch(fd, self)
    server.loop.schedule(self, after: Self.patience, kind: Self.patienceTimer)
  }

  override func ready(_ events: UInt32) {
    while fd >= 0 {
      let count = clinux_receive(fd, server.loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else { return end() }
      size += count
      guard size <= Self.mostBytes else { return end() }
      for byte in UnsafeRawBufferPointer(start: server.loop.scratch, count: count) {
        ending = byte == (ending & 1 == 0 ? 13 : 10) ? ending + 1 : byte == 13 ? 1 : 0
        if ending == 4 { return server.answerWhenReady(self) }
      }
    }
  }

  override func answer(ready: Bool) {
    guard fd >= 0 else { return }
    let text: StaticString =
      ready
      ? "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
      : "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    _ = clinux_send(fd, text.utf8Start, text.utf8CodeUnitCount)
    end()
  }

  override func timerFired(_ kind: UInt8) {
    if kind == Self.readinessTimer { answer(ready: server.isReady) } else { end() }
  }

  func end() {
    guard fd >= 0 else { return }
    listener.forget(self)
    server.forget(self)
    server.loop.end(self, &fd)
  }
}
