import CLinux
import KubeAPI
import Relay

/// A session's carrier over one port-forward of the API server: session bytes ↔ port-forward framing ↔
/// WebSocket ↔ libcurl's TLS.
public final class PortForwardCarrier: Carrier {
  private let connection: UpgradedConnection
  private var framing: any PortForwardFraming
  private var parser = FrameParser()
  private var writer = FrameWriter()
  /// Called with the server's message about the Pod's port, and with the cause when the connection fails.
  public var onProblem: ((String) -> Void)?

  // One piece is in flight at a time; after CURLE_AGAIN it must be offered again unchanged.
  private var sending: UnsafeMutableRawPointer
  private var sendingLeft = 0
  /// Whole frames of our own (prologue, pongs) that go between the session's.
  private var control: [UInt8] = []
  private let controlBuffer: UnsafeMutableRawPointer
  private static let controlSize = 4096
  /// One message fills Go's buffers along the route: 32 KiB. Larger ones cost the API server, the kubelet
  /// and the runtime more for each byte.
  private static let stagingSize = (32 << 10) - 8
  private let receiveBuffer: UnsafeMutableRawPointer
  private static let receiveSize = 128 << 10
  /// The most bytes of one TLS record (RFC 8446, section 5.1).
  private static let recordSize = 16 << 10
  private static let turnBudget = 1 << 20

  init(loop: EventLoop, connection: UpgradedConnection, framing: any PortForwardFraming) {
    self.connection = connection
    self.framing = framing
    controlBuffer = .allocate(byteCount: Self.controlSize, alignment: 16)
    receiveBuffer = .allocate(byteCount: Self.receiveSize, alignment: 16)
    sending = controlBuffer
    super.init(loop: loop, headroom: FrameWriter.maximumHead + framing.prefixSize, capacity: Self.stagingSize)
  }

  deinit {
    controlBuffer.deallocate()
    receiveBuffer.deallocate()
  }

  public override func start() {
    loop.watch(connection.socket, self)
    for message in framing.prologue { control += writer.frame(.binary, message) }
    flush()
    if !connection.leftover.isEmpty { connection.leftover.withUnsafeBytes { take($0) } }
    // Bytes that TLS has read already cause no event.
    loop.readAgain(self)
  }

  public override func ready(_ events: UInt32) {
    if events & clinux_EPOLLOUT != 0 { flush() }
    if events & (clinux_EPOLLIN | clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 { receive() }
  }

  // MARK: Out

  public override func send(_ count: Int) {
    framing.prefix(staging, count: count)
    let message = staging - framing.prefixSize
    let length = framing.prefixSize + count
    sending = writer.seal(.binary, message, count: length)
    sendingLeft = message + length - sending
    isBusy = true
    push()
  }

  private func flush() {
    push()
    if !isBusy, !isClosed { session?.pump() }
  }

  private func push() {
    while !isClosed {
      if sendingLeft == 0 {
        guard takeControl() else {
          isBusy = false
          return
        }
      }
      switch connection.send(sending, sendingLeft) {
      case .sent(let count):
        sending += count
        sendingLeft -= count
      case .again:
        isBusy = true
        return
      case .failed(let error):
        return fail("\(error)")
      }
    }
  }

  /// Takes the next of our own frames for sending.
  private func takeControl() -> Bool {
    guard !control.isEmpty else { return false }
    let count = min(control.count, Self.controlSize)
    control.withUnsafeBytes { controlBuffer.copyMemory(from: $0.baseAddress!, byteCount: count) }
    control.removeFirst(count)
    sending = controlBuffer
    sendingLeft = count
    return true
  }

  // MARK: In

  private func receive() {
    var budget = Self.turnBudget
    while !isClosed {
      // TLS gives a record at a time: gathered, they reach the sockets behind by fewer, larger writes.
      var filled = 0
      var end: UpgradedConnection.ReceiveResult?
      while filled < Self.receiveSize - Self.recordSize, end == nil {
        switch connection.receive(receiveBuffer + filled, Self.receiveSize - filled) {
        case .received(let count): filled += count
        case let other: end = other
        }
      }
      if filled > 0 { take(UnsafeRawBufferPointer(start: receiveBuffer, count: filled)) }
      guard !isClosed else { return }
      switch end {
      case .again: return
      case .closed: return ended(.closed)
      case .failed(let error): return fail("\(error)")
      case .received, nil: break
      }
      budget -= filled
      if budget <= 0 { return loop.readAgain(self) }
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !isClosed, let event = parser.next(&rest) {
      switch event {
      case .began: framing.messageBegan()
      case .payload(let payload): takeMessage(payload)
      case .ended: break
      case .ping(let payload):
        // A server that pings faster than it reads gets fewer pongs (section 5.5.3 allows it).
        if control.count < Self.controlSize { control += writer.frame(.pong, payload) }
        if !isBusy { flush() }
      case .close(let code, let reason):
        if !reason.isEmpty { onProblem?("the API server closed the port-forward: \(reason) (code \(code ?? 1005))") }
        ended(.closed)
      case .malformed:
        onProblem?("the API server sent a frame that RFC 6455 does not allow")
        ended(.malformed)
      }
    }
  }

  private func takeMessage(_ payload: UnsafeRawBufferPointer) {
    var rest = payload
    while !isClosed, let event = framing.next(&rest) {
      switch event {
      case .payload(let bytes): session?.receive(bytes)
      case .error(let text):
        // The Pod's port refused, or the copying failed: no more bytes will come, even if the server does not close.
        onProblem?(text)
        ended(.closed)
      case .answer(let message):
        if control.count < Self.controlSize { control += writer.frame(.binary, message) }
        if !isBusy { flush() }
      case .ended: ended(.closed)
      }
    }
  }

  private func fail(_ problem: String) {
    onProblem?(problem)
    ended(.failed(clinux_ECONNRESET))
  }

  public override func close() {
    guard !isClosed else { return }
    super.close()
    loop.unwatch(connection.socket)
    loop.unregister(self)
    connection.close()
    onProblem = nil
  }
}
