import CLinux
import Relay

/// Sockets bound to destinations inside the shell's namespace, so that answers come from the address
/// that was asked. The helper makes them.
final class ReplySockets {
  /// Asks for a UDP socket bound to the address, which may be foreign (IP_TRANSPARENT); calls back with
  /// nil if it cannot be made.
  typealias Mint = (clinux_address, @escaping (Int32?) -> Void) -> Void

  private let loop: EventLoop
  private let counters: OutboundCounters
  private let mint: Mint
  private var sockets = LeastRecentlyUsed<IPEndpoint, MintedSocket>(capacity: 512)
  private var waiting: [IPEndpoint: [(to: IPEndpoint, bytes: [UInt8])]] = [:]
  private var isClosed = false
  private static let waitingLimit = 32
  /// Takes datagrams that arrive at a bound socket, which the kernel may prefer to the transparent one.
  var received: ((FlowKey, UnsafeRawBufferPointer) -> Void)?

  init(loop: EventLoop, counters: OutboundCounters, mint: @escaping Mint) {
    self.loop = loop
    self.counters = counters
    self.mint = mint
  }

  /// Sends at once, or when the socket exists.
  func send(_ bytes: UnsafeRawBufferPointer, from: IPEndpoint, to: IPEndpoint) {
    if let socket = sockets[from] { return deliver(bytes, socket, to) }
    if waiting[from] != nil {
      guard waiting[from]!.count < Self.waitingLimit else {
        counters.udp.droppedDatagrams += 1
        return
      }
      waiting[from]!.append((to, Array(bytes)))
      return
    }
    waiting[from] = [(to, Array(bytes))]
    mint(from.socketAddress) { [weak self] fd in
      if let self, !self.isClosed { self.minted(fd, from) } else if let fd { clinux_close(fd) }
    }
  }

  private func minted(_ fd: Int32?, _ from: IPEndpoint) {
    let due = waiting.removeValue(forKey: from) ?? []
    guard let fd else {
      counters.udp.droppedDatagrams += UInt64(due.count)
      return counters.problem("UDP: the shell gave no socket for answers from \(from)")
    }
    let socket = MintedSocket(loop: loop, fd: fd) { [weak self] source, bytes in
      self?.received?(FlowKey(source: source, destination: from), bytes)
    }
    sockets.insert(socket, for: from)?.value.close()
    for (to, bytes) in due { bytes.withUnsafeBytes { deliver($0, socket, to) } }
  }

  private func deliver(_ bytes: UnsafeRawBufferPointer, _ socket: MintedSocket, _ to: IPEndpoint) {
    var address = to.socketAddress
    let sent = clinux_send_to(
      socket.fd, bytes.isEmpty ? UnsafeRawPointer(loop.scratch) : bytes.baseAddress!, bytes.count, &address)
    if sent < 0 { counters.udp.droppedDatagrams += 1 }
  }

  func close() {
    isClosed = true
    for socket in sockets.values { socket.close() }
    sockets.removeAll()
    waiting = [:]
  }
}

private final class MintedSocket: Handler {
  private let loop: EventLoop
  private(set) var fd: Int32
  private let received: (IPEndpoint, UnsafeRawBufferPointer) -> Void

  /// Takes over the socket.
  init(loop: EventLoop, fd: Int32, received: @escaping (IPEndpoint, UnsafeRawBufferPointer) -> Void) {
    self.loop = loop
    self.fd = fd
    self.received = received
    super.init()
    _ = clinux_set_nonblocking(fd)
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    for _ in 0..<64 where fd >= 0 {
      var source = clinux_address()
      let count = clinux_receive_from(fd, loop.scratch, EventLoop.scratchSize, &source)
      if count == -Int(clinux_EAGAIN) { return }
      if count >= 0, let source = IPEndpoint(source) {
        received(source, UnsafeRawBufferPointer(start: loop.scratch, count: count))
      }
    }
    if fd >= 0 { loop.readAgain(self) }
  }

  func close() {
    loop.end(self, &fd)
  }
}
