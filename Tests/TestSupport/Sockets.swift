import CLinux
import Relay
import Synchronization

/// Blocking-style helpers around one loop: a test turns it until something holds.
extension EventLoop {
  /// Turns until `condition` holds; false after `seconds`.
  @discardableResult
  public func turn(seconds: Double = 30, until condition: () -> Bool) -> Bool {
    let deadline = clinux_monotonic_us() + UInt64(seconds * 1_000_000)
    while !condition() {
      guard clinux_monotonic_us() < deadline else { return false }
      turn(maximumWait: 5)
    }
    return true
  }

  /// Turns until `condition` holds; false after so many turns, of 5 ms at most. All that takes part is in this process,
  /// so that a busy machine changes nothing.
  public func turn(times: Int, until condition: () -> Bool) -> Bool {
    for _ in 0..<times {
      if condition() { return true }
      turn(maximumWait: 5)
    }
    return condition()
  }
}

/// 127.0.0.1 and a port.
public func loopback(_ port: UInt16 = 0) -> clinux_address {
  var address = clinux_address()
  clinux_parse_address("127.0.0.1", &address)
  address.port = port
  return address
}

/// A listening socket on a free loopback port.
public func listening() -> (fd: Int32, port: UInt16) {
  let fd = listening(at: 0)
  var address = loopback()
  clinux_local_address(fd, &address)
  return (fd, address.port)
}

/// A listening socket on a loopback port.
public func listening(at port: UInt16) -> Int32 {
  var address = loopback(port)
  let fd = clinux_tcp_listen(&address, 1024)
  precondition(fd >= 0, "no loopback port: errno \(-fd)")
  return fd
}

/// Returns both ends of a TCP connection on loopback.
public func connection() -> (near: Int32, far: Int32) {
  let (listener, port) = listening()
  defer { clinux_close(listener) }
  var address = loopback(port)
  let far = clinux_tcp_connect(&address)
  var near: Int32 = -1
  while near < 0 { near = clinux_accept(listener, &address) }
  return (near, far)
}

/// Returns a port without a listener on any address, and that none gets by chance: below those that the kernel hands
/// out (`ip_local_port_range`), each once.
public func freePort() -> UInt16 {
  while true {
    let candidate = UInt16(20_000 + nextPort.add(1, ordering: .relaxed).oldValue % 12_000)
    var address = clinux_address()
    clinux_parse_address("0.0.0.0", &address)
    address.port = candidate
    let fd = clinux_tcp_listen(&address, 1)
    guard fd >= 0 else { continue }
    clinux_close(fd)
    return candidate
  }
}

/// Starts anywhere, since another process may be running the same tests.
private let nextPort = Atomic<Int>(.random(in: 0..<12_000))

/// A client whose bytes the test writes and reads as the loop turns.
public final class TestClient: Handler {
  public let loop: EventLoop
  public private(set) var fd: Int32
  public private(set) var received: [UInt8] = []
  public private(set) var sawEnd = false
  public private(set) var sawReset = false
  public var isReading = true { didSet { if isReading { ready(clinux_EPOLLIN) } } }
  private var outbox: [UInt8] = []
  private var finishing = false

  public init(loop: EventLoop, fd: Int32) {
    self.loop = loop
    self.fd = fd
    super.init()
    loop.watch(fd, self)
  }

  public convenience init(loop: EventLoop, port: UInt16) {
    var address = loopback(port)
    self.init(loop: loop, fd: clinux_tcp_connect(&address))
  }

  public func send(_ bytes: [UInt8]) {
    outbox += bytes
    flush()
  }

  public func send(_ text: String) { send(Array(text.utf8)) }

  public func finish() {
    finishing = true
    flush()
  }

  public var text: String { String(decoding: received, as: UTF8.self) }

  private func flush() {
    while !outbox.isEmpty {
      let count = outbox.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) }
      guard count > 0 else { return }
      outbox.removeFirst(count)
    }
    if finishing { _ = clinux_shutdown_write(fd) }
  }

  public override func ready(_ events: UInt32) {
    flush()
    guard isReading, fd >= 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = clinux_receive(fd, &buffer, buffer.count)
      if count > 0 {
        received += buffer[..<count]
      } else {
        if count == 0 { sawEnd = true } else if count != -Int(clinux_EAGAIN) { sawReset = true }
        return
      }
    }
  }

  public func close() {
    loop.end(self, &fd)
  }
}

/// Accepts connections as `TestClient`s.
public final class TestServer: Listener {
  public private(set) var connections: [TestClient] = []
  public let port: UInt16
  /// Called with each new connection.
  public var onAccept: ((TestClient) -> Void)?

  public init(loop: EventLoop) {
    let (fd, port) = listening()
    self.port = port
    super.init(loop: loop, fd: fd)
    start()
  }

  public override func accepted(_ connection: Int32, peer: clinux_address) {
    let client = TestClient(loop: loop, fd: connection)
    connections.append(client)
    onAccept?(client)
  }
}
