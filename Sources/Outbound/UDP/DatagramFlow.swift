import CLinux
import Relay
import TunnelProtocol

/// The datagrams between one source and one destination.
class DatagramFlow: Handler {
  let key: FlowKey
  unowned let flows: DatagramFlows
  /// µs.
  var lastUse: UInt64
  /// The payload of the last datagram sent, in bytes: an ICMP error quotes its header.
  var lastLength = 0
  var isTwoWay = false
  fileprivate(set) var isOver = false

  init(_ key: FlowKey, flows: DatagramFlows) {
    self.key = key
    self.flows = flows
    lastUse = flows.loop.now
  }

  func start() {}
  /// Returns false if it was dropped.
  func send(_ bytes: UnsafeRawBufferPointer) -> Bool { false }
  /// Ends the flow without a call back.
  func close() { isOver = true }
}

/// A flow through a stream to the agent.
final class ClusterFlow: DatagramFlow {
  private var stream: FlowStream?
  /// Datagrams that came before a session.
  private var waiting: [[UInt8]] = []
  private static let waitingLimit = 16

  override func start() {
    flows.sessions { [weak self] session in
      guard let self, !self.isOver else { return }
      self.open(session)
    }
  }

  private func open(_ session: Session?) {
    let preamble = Preamble(.udp, port: key.destination.port, address: key.destination.address.bytes)
    guard let session,
      let end = session.open({ FlowStream(session: session, slot: $0, preamble: preamble, flow: self) }) as? FlowStream
    else {
      flows.counters.udp.droppedDatagrams += UInt64(waiting.count)
      flows.counters.problem(
        "UDP \(key.destination): "
          + (session == nil ? "there was no tunnel for 5 s" : "the tunnel takes no more streams"))
      return flows.ended(self, .quiet)
    }
    stream = end
    for datagram in waiting { _ = datagram.withUnsafeBytes { end.send($0) } }
    waiting = []
  }

  override func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if let stream { return stream.send(bytes) }
    guard waiting.count < Self.waitingLimit else { return false }
    waiting.append(Array(bytes))
    return true
  }

  fileprivate func ended(_ end: DatagramStream.End) {
    guard !isOver else { return }
    switch end {
    case .reset, .refused(.refused), .refused(.unreachable): flows.ended(self, .unreachable)
    case .finished, .sessionClosed: flows.ended(self, .quiet)
    case .refused(let status):
      flows.counters.problem("UDP \(key.destination): the cluster side answered: \(status)")
      flows.ended(self, .quiet)
    }
  }

  override func close() {
    super.close()
    stream?.close()
    stream = nil
    waiting = []
  }
}

private final class FlowStream: DatagramStream {
  private let flow: ClusterFlow

  init(session: Session, slot: Int, preamble: Preamble, flow: ClusterFlow) {
    self.flow = flow
    super.init(session: session, slot: slot, preamble: preamble)
  }

  override func datagram(_ bytes: UnsafeRawBufferPointer) { if !flow.isOver { flow.flows.reply(flow, bytes) } }
  override func over(_ end: End) { flow.ended(end) }
}

/// A flow from a socket of the daemon's own network.
final class HostFlow: DatagramFlow {
  private let target: IPEndpoint
  private var fd: Int32 = -1
  private static let turnBudget = 128

  init(_ key: FlowKey, flows: DatagramFlows, to target: IPEndpoint) {
    self.target = target
    super.init(key, flows: flows)
  }

  override func start() {
    var address = target.socketAddress
    fd = clinux_udp_connect(&address)
    if fd >= 0 {
      flows.loop.watch(fd, self)
    } else {
      if fd == -clinux_EMFILE || fd == -clinux_ENFILE {
        flows.counters.problem("the daemon is out of file descriptors: UDP datagrams are dropped")
      }
      let isOut = fd == -clinux_EHOSTUNREACH || fd == -clinux_ENETUNREACH
      flows.ended(self, isOut ? .unreachable : .quiet)
    }
  }

  override func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let count = clinux_send(fd, bytes.isEmpty ? UnsafeRawPointer(flows.loop.scratch) : bytes.baseAddress!, bytes.count)
    if count == -Int(clinux_ECONNREFUSED) { flows.ended(self, .unreachable) }
    return count >= 0
  }

  override func ready(_ events: UInt32) {
    var budget = Self.turnBudget
    while fd >= 0, !isOver {
      guard budget > 0 else { return flows.loop.readAgain(self) }
      budget -= 1
      let count = clinux_receive(fd, flows.loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) { return }
      if count == -Int(clinux_ECONNREFUSED) { return flows.ended(self, .unreachable) }
      if count >= 0 { flows.reply(self, UnsafeRawBufferPointer(start: flows.loop.scratch, count: count)) }
    }
  }

  override func close() {
    super.close()
    guard fd >= 0 else { return }
    flows.loop.unwatch(fd)
    flows.loop.unregister(self)
    clinux_close(fd)
    fd = -1
  }
}
