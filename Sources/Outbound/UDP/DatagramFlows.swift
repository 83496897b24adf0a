// The route of a datagram: DatagramFlows takes it and finds its flow; the flow sends it into the cluster (ClusterFlow)
// or from the host (HostFlow); answers leave through ReplySockets.

import CLinux
import Relay
import TunnelProtocol

/// The source and destination of a flow.
struct FlowKey: Hashable {
  let source: IPEndpoint
  let destination: IPEndpoint
}

/// Limits of UDP flows; as conntrack's (nf_conntrack_udp_timeout, nf_conntrack_udp_timeout_stream).
struct FlowLimits {
  /// Idle time of an unanswered flow, µs.
  var oneWay: UInt64 = 30_000_000
  /// Idle time of an answered one, µs.
  var twoWay: UInt64 = 120_000_000
  var flows = 4_096
  /// The interval of the search for idle flows, µs.
  var sweep: UInt64 = 5_000_000
}

/// Datagrams to any destination that netfilter redirects to one socket: a flow for each source and destination.
final class DatagramFlows: Handler {
  let loop: EventLoop
  let sessions: SessionSource
  let counters: OutboundCounters
  private let routes: RouteTable
  private let limits: FlowLimits
  private var fd: Int32
  private var icmp: Int32
  private let replies: ReplySockets
  private var flows: LeastRecentlyUsed<FlowKey, DatagramFlow>
  private var isSweeping = false
  private static let turnBudget = 128

  /// Takes over both descriptors.
  /// - Parameters:
  ///   - fd: reports original destinations (IP_RECVORIGDSTADDR).
  ///   - icmp: a raw socket with IP_HDRINCL; -1 for none: unreachable destinations are silent then.
  init(
    loop: EventLoop, fd: Int32, icmp: Int32, mint: @escaping ReplySockets.Mint, sessions: @escaping SessionSource,
    routes: RouteTable,
    counters: OutboundCounters, limits: FlowLimits = FlowLimits()
  ) {
    self.loop = loop
    self.fd = fd
    self.icmp = icmp
    self.sessions = sessions
    self.routes = routes
    self.counters = counters
    self.limits = limits
    flows = LeastRecentlyUsed(capacity: limits.flows)
    replies = ReplySockets(loop: loop, counters: counters, mint: mint)
    super.init()
    _ = clinux_set_nonblocking(fd)
    _ = clinux_want_destination(fd)
    replies.received = { [unowned self] in take($0, $1) }
    loop.watch(fd, self)
  }

  var count: Int { flows.count }

  // MARK: Out

  override func ready(_ events: UInt32) {
    guard events & ~(clinux_EPOLLOUT | clinux_EPOLLET) != 0 else { return }
    var budget = Self.turnBudget
    while fd >= 0 {
      guard budget > 0 else { return loop.readAgain(self) }
      budget -= 1
      var source = clinux_address()
      var destination = clinux_address()
      let count = clinux_receive_datagram(fd, loop.scratch, EventLoop.scratchSize, &source, &destination)
      if count == -Int(clinux_EAGAIN) { return }
      guard count >= 0 else { continue }
      guard let from = IPEndpoint(source), let to = IPEndpoint(destination) else {
        counters.udp.droppedDatagrams += 1
        continue
      }
      take(FlowKey(source: from, destination: to), UnsafeRawBufferPointer(start: loop.scratch, count: count))
    }
  }

  private func take(_ key: FlowKey, _ bytes: UnsafeRawBufferPointer) {
    guard let flow = flows[key] ?? open(key) else { return }
    flow.lastUse = loop.now
    flow.lastLength = bytes.count
    counters.udp.sentDatagrams += 1
    if !flow.send(bytes) { counters.udp.droppedDatagrams += 1 }
  }

  private func open(_ key: FlowKey) -> DatagramFlow? {
    let flow: DatagramFlow
    switch routes.route(key.destination.address, now: loop.now) {
    case .cluster:
      counters.udp.viaCluster += 1
      flow = ClusterFlow(key, flows: self)
    case .host:
      counters.udp.viaHost += 1
      flow = HostFlow(key, flows: self, to: key.destination)
    case .hostLoopback:
      counters.udp.viaHost += 1
      flow = HostFlow(key, flows: self, to: IPEndpoint(.loopback, port: key.destination.port))
    }
    if let gone = flows.insert(flow, for: key) {
      counters.udp.evicted += 1
      gone.value.close()
    }
    sweepLater()
    flow.start()
    return flow.isOver ? nil : flow
  }

  // MARK: Back

  func reply(_ flow: DatagramFlow, _ bytes: UnsafeRawBufferPointer) {
    guard !flow.isOver else { return }
    flow.lastUse = loop.now
    flow.isTwoWay = true
    _ = flows[flow.key]
    counters.udp.receivedDatagrams += 1
    replies.send(bytes, from: flow.key.destination, to: flow.key.source)
  }

  enum End {
    case quiet
    case unreachable
  }

  /// Ends a flow: the next datagram begins a new one.
  func ended(_ flow: DatagramFlow, _ end: End) {
    flow.close()
    if flows.peek(flow.key) === flow { flows.remove(flow.key) }
    guard end == .unreachable else { return }
    counters.udp.refused += 1
    counters.problem("UDP \(flow.key.destination): port unreachable")
    guard icmp >= 0, let message = PortUnreachable.message(for: flow.key, length: flow.lastLength) else { return }
    var address = flow.key.source.address.socketAddress(port: 0)
    _ = message.withUnsafeBytes { clinux_send_to(icmp, $0.baseAddress!, $0.count, &address) }
  }

  // MARK: Time

  private func sweepLater() {
    guard !isSweeping, flows.count > 0 else { return }
    isSweeping = true
    loop.schedule(self, after: limits.sweep, kind: 0)
  }

  override func timerFired(_ kind: UInt8) {
    isSweeping = false
    for flow in flows.values where loop.now - flow.lastUse >= (flow.isTwoWay ? limits.twoWay : limits.oneWay) {
      ended(flow, .quiet)
    }
    sweepLater()
  }

  func close() {
    guard fd >= 0 else { return }
    for flow in flows.values { flow.close() }
    flows.removeAll()
    replies.close()
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
    if icmp >= 0 { clinux_close(icmp) }
    fd = -1
    icmp = -1
  }
}
