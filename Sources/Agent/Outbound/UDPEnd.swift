import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// A UDP flow from the host into the cluster: one connected socket, datagrams both ways.
///
/// Only the rest of one datagram is queued here. Answers wait in the socket's receive buffer until the carrier
/// has room and the stream credit (`net.core.rmem_default`: 208 KiB with the kernel's overhead). Further ones
/// are lost there, as on any full line (socket(7)).
final class UDPEnd: ServedEnd {
  private var fd: Int32 = -1
  private var reader = DatagramReader()
  /// Bytes that came before the name's address did; not consumed, so that the stream's window bounds them.
  private var early = ByteQueue()
  /// The rest of a datagram that the stream had no credit for.
  private var rest: [UInt8] = []
  private var restOffset = 0
  private var hasSent = false
  private var hasHeard = false
  private var isFinishing = false
  private var usedAt: UInt64 = 0
  private let idleLimits: AgentConfiguration.IdleLimits
  private static let idleTimer: UInt8 = 1
  /// Datagrams read in one turn before others have theirs.
  private static let turnBudget = 256

  init(session: Session, slot: Int, idleLimits: AgentConfiguration.IdleLimits) {
    self.idleLimits = idleLimits
    super.init(session: session, slot: slot)
  }

  /// Opens the flow; called at once or later.
  func connect(to address: clinux_address) {
    guard !isOver else { return }
    var address = address
    let socket = clinux_udp_connect(&address)
    guard socket >= 0 else { return answer(AcceptorEnd.status(-socket)) }
    fd = socket
    loop.watch(socket, self)
    usedAt = loop.now
    loop.schedule(self, after: idleLimits.oneWay, kind: Self.idleTimer)
    answer(.connected)
    while !early.isEmpty, fd >= 0 {
      let front = early.front
      send(front)
      session.consume(self, front.count)
      early.drop(front.count, pool: loop.blocks)
    }
  }

  // MARK: Stream → socket

  override var waitingBytes: Int { early.count }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    if fd < 0, !isServing, !isOver { return early.append(bytes, pool: loop.blocks) }
    super.received(bytes)
    if fd >= 0 { send(bytes) }
  }

  /// Sends datagrams; one that the socket does not take is lost, as the network would lose it.
  private func send(_ bytes: UnsafeRawBufferPointer) {
    var input = bytes
    hasSent = true
    usedAt = loop.now
    while fd >= 0, let datagram = reader.next(&input) {
      let sent = clinux_send(fd, datagram.baseAddress ?? UnsafeRawPointer(loop.scratch), datagram.count)
      if sent < 0, Self.isUnreachable(sent) {
        // The answer to an earlier one (udp(7), "Error handling").
        closeSocket()
        reset()
      }
    }
  }

  static func isUnreachable(_ result: Int) -> Bool {
    result == -Int(clinux_ECONNREFUSED) || result == -Int(clinux_EHOSTUNREACH) || result == -Int(clinux_ENETUNREACH)
  }

  // MARK: Socket → stream

  override func ready(_ events: UInt32) {
    if events & (clinux_EPOLLIN | clinux_EPOLLERR) != 0 { session.wantsToSend(self) }
  }

  override func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    var count = takeRest(place, capacity)
    if !rest.isEmpty || isFinishing { return count > 0 ? .bytes(count, more: true) : .finished }
    var budget = Self.turnBudget
    while fd >= 0, count < capacity, budget > 0 {
      budget -= 1
      // The head's place is kept free; a datagram that is longer than the room continues in the scratch buffer.
      let room = max(capacity - count - DatagramReader.headSize, 0)
      let scratch = loop.scratch + DatagramReader.headSize
      let size = clinux_receive_parts(
        fd, place + count + DatagramReader.headSize, room, scratch, EventLoop.scratchSize - DatagramReader.headSize)
      if size < 0 {
        if Self.isUnreachable(size) {
          fail()
          closeSocket()
        }
        return count > 0 ? .bytes(count, more: false) : .nothing
      }
      hasHeard = true
      usedAt = loop.now
      if capacity - count >= DatagramReader.headSize {
        (place + count).storeBE16(UInt16(truncatingIfNeeded: size))
        count += DatagramReader.headSize + min(size, room)
        if size > room { rest = Array(UnsafeRawBufferPointer(start: scratch, count: size - room)) }
      } else {
        loop.scratch.storeBE16(UInt16(truncatingIfNeeded: size))
        rest = Array(UnsafeRawBufferPointer(start: loop.scratch, count: size + DatagramReader.headSize))
        count += takeRest(place + count, capacity - count)
      }
    }
    if fd >= 0 { loop.readAgain(self) }
    return count > 0 ? .bytes(count, more: false) : .nothing
  }

  private func takeRest(_ place: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let count = min(rest.count - restOffset, capacity)
    guard count > 0 else { return 0 }
    rest.withUnsafeBytes { place.copyMemory(from: $0.baseAddress! + restOffset, byteCount: count) }
    restOffset += count
    if restOffset == rest.count {
      rest = []
      restOffset = 0
    }
    return count
  }

  // MARK: Ends

  override func timerFired(_ kind: UInt8) {
    guard isServing, fd >= 0 else { return }
    let limit = hasSent && hasHeard ? idleLimits.bothWays : idleLimits.oneWay
    let idle = loop.now - usedAt
    if idle < limit { loop.schedule(self, after: limit - idle, kind: Self.idleTimer) } else { finish() }
  }

  override func inputEnded() { if fd >= 0 { finish() } else { isFinishing = true } }

  private func finish() {
    isFinishing = true
    closeSocket()
    session.wantsToSend(self)
  }

  override func closed() {
    early.removeAll(pool: loop.blocks)
    closeSocket()
  }

  private func closeSocket() {
    guard fd >= 0 else { return }
    loop.unwatch(fd)
    clinux_close(fd)
    fd = -1
  }
}
