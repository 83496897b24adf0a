import CLinux
import Relay
import TestSupport
import TunnelProtocol

@testable import Agent

/// An agent and a daemon's session with it, in one loop.
final class OutboundScene {
  let loop = EventLoop()!
  let nameserver: FakeNameserver
  let agent: AgentServer
  let session: Session

  /// - Parameter change: what the configuration has instead of its defaults.
  init(_ change: (inout AgentConfiguration) -> Void = { _ in }) {
    nameserver = FakeNameserver(loop: loop)
    var configuration = AgentConfiguration()
    configuration.controlPort = freePort()
    configuration.nameservers = [nameserver.address]
    configuration.token = [UInt8](repeating: 7, count: Hello.tokenSize)
    configuration.neverReady = true
    configuration.lingerTime = 100_000
    change(&configuration)
    agent = AgentServer(loop: loop, configuration: configuration)!
    var address = loopback(agent.boundControlPort)
    let carrier = SocketCarrier(loop: loop, fd: clinux_tcp_connect(&address))
    let session = Session(
      loop: loop, carrier: carrier, hello: Hello(token: configuration.token), pool: WindowPool())
    self.session = session
    session.start()
    loop.turn { session.isOpen }
  }

  deinit {
    session.close()
    agent.close()
    nameserver.close()
    loop.turn(maximumWait: 0)  // what waits for the turn's end holds the loop
  }

  func open(_ preamble: Preamble, _ bytes: [UInt8] = []) -> TestStream { TestStream.open(session, preamble, bytes) }
}

/// A stream that the test writes and reads as the loop turns.
final class TestStream: StreamEnd {
  private var outbox: [UInt8]
  private var isFinishing = false
  /// Behind the status.
  private(set) var received: [UInt8] = []
  private(set) var status: StreamStatus?
  private(set) var sawEnd = false
  private(set) var sawReset = false
  /// True if it gives its bytes back as credit.
  var isReading = true
  private var unread = 0
  private(set) var datagrams: [[UInt8]] = []
  private var reader = DatagramReader()

  static func open(_ session: Session, _ preamble: Preamble, _ bytes: [UInt8] = []) -> TestStream {
    session.open { TestStream(session: session, slot: $0, preamble: preamble, bytes: bytes) } as! TestStream
  }

  private init(session: Session, slot: Int, preamble: Preamble, bytes: [UInt8]) {
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    outbox += bytes
    super.init(session: session, slot: slot)
  }

  func send(_ bytes: [UInt8]) {
    outbox += bytes
    session.wantsToSend(self)
  }

  func send(datagram: [UInt8]) { send(framed(datagram)) }

  func finish() {
    isFinishing = true
    session.wantsToSend(self)
  }

  /// Ends the stream from this side.
  func reset() { session.release(self) }

  func readAgain() {
    isReading = true
    session.consume(self, unread)
    unread = 0
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(capacity, outbox.count)
    guard count > 0 else { return isFinishing ? .finished : .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: !outbox.isEmpty || isFinishing)
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    if isReading { session.consume(self, bytes.count) } else { unread += bytes.count }
    var payload = bytes
    if status == nil {
      status = StreamStatus(rawValue: bytes[0])
      payload = UnsafeRawBufferPointer(rebasing: bytes[1...])
    }
    received += Array(payload)
    while let datagram = reader.next(&payload) { datagrams.append(Array(datagram)) }
  }

  override func finished() { sawEnd = true }
  override func wasReset() {
    sawReset = true
    session.release(self)
  }
}

/// A datagram as `udp` and `dns` streams have it.
func framed(_ datagram: [UInt8]) -> [UInt8] {
  [UInt8(truncatingIfNeeded: datagram.count >> 8), UInt8(truncatingIfNeeded: datagram.count)] + datagram
}

/// Sends back every datagram, or keeps it; counts them.
final class UDPServer: Handler {
  let loop: EventLoop
  let port: UInt16
  private(set) var received: [[UInt8]] = []
  private(set) var peer = clinux_address()
  var echoes = true
  private(set) var fd: Int32

  init(loop: EventLoop, port: UInt16 = 0, address text: String = "127.0.0.1") {
    self.loop = loop
    var address = clinux_address()
    clinux_parse_address(text, &address)
    address.port = port
    fd = clinux_udp_bind(&address)
    clinux_local_address(fd, &address)
    self.port = address.port
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while fd >= 0 {
      let count = clinux_receive_from(fd, &buffer, buffer.count, &peer)
      guard count >= 0 else { return }
      received.append(Array(buffer[..<count]))
      if echoes { send(received.last!) }
    }
  }

  func send(_ bytes: [UInt8]) {
    var bytes = bytes + [0]
    _ = clinux_send_to(fd, &bytes, bytes.count - 1, &peer)
  }

  func close() {
    loop.end(self, &fd)
  }
}
