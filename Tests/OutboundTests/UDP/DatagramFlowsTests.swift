import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// A socket on every loopback address takes datagrams; 127.0.0.2 is the cluster's for these tests, 127.0.0.3 the host's
/// own, other addresses its loopback.
final class UDPFixture {
  let harness: Harness
  let flows: DatagramFlows
  let counters = OutboundCounters()
  let port: UInt16
  var minted: [clinux_address] = []
  var mints = true
  init(limits: FlowLimits = FlowLimits(), icmp: Int32 = -1) {
    let rules = RouteRules(viaCluster: [try! CIDR(parsing: "127.0.0.2")], viaHost: [try! CIDR(parsing: "127.0.0.3")])
    let harness = Harness(rules: rules)
    self.harness = harness
    var any = clinux_address()
    clinux_parse_address("0.0.0.0", &any)
    let fd = clinux_udp_bind(&any)
    clinux_local_address(fd, &any)
    port = any.port
    final class Asked { var mint: ((clinux_address) -> Int32?) = { _ in nil } }
    let asked = Asked()
    flows = DatagramFlows(
      loop: harness.loop, fd: fd, icmp: icmp, mint: { address, done in done(asked.mint(address)) },
      sessions: { if let near = harness.near { $0(near) } else { $0(nil) } }, routes: RouteTable(rules),
      counters: counters, limits: limits)
    // No transparent sockets here: the answers come from another port of the right address.
    asked.mint = { [unowned self] address in
      minted.append(address)
      var address = address
      address.port = 0
      return mints ? clinux_udp_bind(&address) : nil
    }
  }

  deinit {
    flows.close()
  }

  /// A client that hears answers from everywhere.
  func client() -> (fd: Int32, send: (String, [UInt8]) -> Void, receive: () -> (from: String, bytes: [UInt8])?) {
    var address = loopback()
    let fd = clinux_udp_bind(&address)
    let port = port
    return (
      fd,
      { to, bytes in
        var target = IPAddress(parsing: to)!.socketAddress(port: port)
        _ = bytes.withUnsafeBytes { clinux_send_to(fd, $0.baseAddress!, $0.count, &target) }
      },
      {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var peer = clinux_address()
        let count = clinux_receive_from(fd, &buffer, buffer.count, &peer)
        return count < 0 ? nil : (IPAddress(peer)!.description, Array(buffer[..<count]))
      }
    )
  }
}

@Suite struct DatagramFlowsTests {
  @Test func datagramsToTheClusterKeepTheirBounds() {
    let udp = UDPFixture()
    udp.harness.agent.answerUDP = { [$0.reversed(), Array("more".utf8)] }
    let client = udp.client()
    let large = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 11) }
    client.send("127.0.0.2", [1, 2, 3])
    client.send("127.0.0.2", large)
    var received: [(from: String, bytes: [UInt8])] = []
    #expect(
      udp.harness.loop.turn {
        while let next = client.receive() { received.append(next) }
        return received.count == 4
      })
    #expect(received.map(\.bytes) == [[3, 2, 1], Array("more".utf8), large.reversed(), Array("more".utf8)])
    #expect(received.allSatisfy { $0.from == "127.0.0.2" })
    #expect(udp.harness.agent.preambles == [Preamble(.udp, port: udp.port, address: [127, 0, 0, 2])])
    #expect(udp.minted.count == 1, "one socket for all answers")
    #expect(udp.flows.count == 1 && udp.counters.udp.viaCluster == 1 && udp.counters.udp.receivedDatagrams == 4)
    clinux_close(client.fd)
  }

  @Test func eachSourceHasItsFlow() {
    let udp = UDPFixture()
    let clients = (0..<20).map { _ in udp.client() }
    for (index, client) in clients.enumerated() { client.send("127.0.0.2", [UInt8(index)]) }
    var answers: [[UInt8]?] = Array(repeating: nil, count: 20)
    #expect(
      udp.harness.loop.turn {
        for (index, client) in clients.enumerated() {
          if let answer = client.receive() { answers[index] = answer.bytes }
        }
        return answers.allSatisfy { $0 != nil }
      })
    #expect(answers == (0..<20).map { [UInt8($0)] })
    #expect(udp.flows.count == 20 && udp.minted.count == 1)
    for client in clients { clinux_close(client.fd) }
  }

  @Test func datagramsElsewhereLeaveFromTheHost() {
    let udp = UDPFixture()
    let server = UDPServer(loop: udp.harness.loop) { Array("host: ".utf8) + $0 }
    // Given as an original destination of the loopback address, with the server's port.
    let key = FlowKey(
      source: IPEndpoint(.loopback, port: 9),
      destination: IPEndpoint(IPAddress(parsing: "127.0.0.9")!, port: server.port))
    let flow = HostFlow(key, flows: udp.flows, to: IPEndpoint(.loopback, port: server.port))
    flow.start()
    #expect([1, 2].withUnsafeBytes { flow.send($0) })
    #expect(udp.harness.loop.turn { udp.counters.udp.receivedDatagrams == 1 })
    #expect(udp.minted.first.flatMap { IPEndpoint($0) } == key.destination)
    flow.close()
    server.close()
  }

  @Test func anUnreachableDestinationEndsTheFlow() {
    let udp = UDPFixture()
    udp.harness.agent.answerUDP = { _ in [] }
    let client = udp.client()
    client.send("127.0.0.2", [1])
    #expect(udp.harness.loop.turn { udp.harness.agent.datagramEnds.count == 1 })
    udp.harness.agent.datagramEnds[0].reset()
    #expect(udp.harness.loop.turn { udp.flows.count == 0 })
    #expect(udp.counters.udp.refused == 1)
    client.send("127.0.0.2", [1])
    #expect(udp.harness.loop.turn { udp.harness.agent.datagramEnds.count == 2 })
    udp.harness.agent.datagramEnds[1].finish()
    #expect(udp.harness.loop.turn { udp.flows.count == 0 })
    #expect(udp.counters.udp.refused == 1, "the agent's idle time is no refusal")
    clinux_close(client.fd)
  }

  @Test func aRefusalOfTheHostIsPortUnreachable() throws {
    let raw = clinux_raw_ip()
    try #require(raw >= 0, "needs CAP_NET_RAW")
    let udp = UDPFixture(icmp: raw)
    // A connected client, whose flow goes to a port of the host without a listener.
    let dead = freePort()
    let destination = IPEndpoint(IPAddress(parsing: "127.0.0.2")!, port: dead)
    let client = UDPClient(loop: udp.harness.loop, to: destination.socketAddress)
    var name = clinux_address()
    clinux_local_address(client.fd, &name)
    let flow = HostFlow(
      FlowKey(source: IPEndpoint(name)!, destination: destination), flows: udp.flows,
      to: IPEndpoint(.loopback, port: dead))
    flow.start()
    flow.lastLength = 1
    #expect([UInt8(1)].withUnsafeBytes { flow.send($0) })
    #expect(udp.harness.loop.turn { udp.counters.udp.refused == 1 && !client.errors.isEmpty })
    #expect(client.errors == [clinux_ECONNREFUSED])
    client.close()
  }

  @Test func idleFlowsEndEarlierWhenNobodyAnswered() {
    let udp = UDPFixture(limits: FlowLimits(oneWay: 50_000, twoWay: 1_000_000_000, flows: 8, sweep: 20_000))
    udp.harness.agent.answerUDP = { $0 == [1] ? [] : [$0] }
    let (silent, answered) = (udp.client(), udp.client())
    silent.send("127.0.0.2", [1])
    answered.send("127.0.0.2", [2])
    #expect(udp.harness.loop.turn { udp.counters.udp.receivedDatagrams == 1 && udp.flows.count == 1 })
    #expect(udp.harness.loop.turn { udp.harness.agent.datagramEnds.filter(\.isGone).count == 1 })
    for client in [silent, answered] { clinux_close(client.fd) }
  }

  @Test func theFlowUsedLongestAgoGoesForANewOne() {
    let udp = UDPFixture(limits: FlowLimits(flows: 4))
    let clients = (0..<6).map { _ in udp.client() }
    for (index, client) in clients.enumerated() {
      client.send("127.0.0.2", [0])
      #expect(udp.harness.loop.turn { udp.counters.udp.receivedDatagrams == UInt64(index + 1) })
    }
    #expect(udp.flows.count == 4 && udp.counters.udp.evicted == 2)
    #expect(udp.harness.loop.turn { udp.harness.agent.datagramEnds.prefix(2).allSatisfy(\.isGone) })
    #expect(!udp.harness.agent.datagramEnds[2].isGone)
    for client in clients { clinux_close(client.fd) }
  }

  @Test func withoutASocketForAnswersTheyAreDroppedAndItIsSaid() {
    let udp = UDPFixture()
    udp.mints = false
    let client = udp.client()
    client.send("127.0.0.2", [1])
    #expect(udp.harness.loop.turn { udp.counters.udp.droppedDatagrams == 1 })
    #expect(udp.counters.lastProblem?.contains("127.0.0.2") == true)
    clinux_close(client.fd)
  }

  @Test func closingLeavesNothing() {
    let udp = UDPFixture()
    let client = udp.client()
    client.send("127.0.0.2", [1])
    #expect(udp.harness.loop.turn { udp.counters.udp.receivedDatagrams == 1 })
    udp.flows.close()
    #expect(udp.flows.count == 0)
    #expect(
      udp.harness.loop.turn { udp.harness.agent.datagramEnds[0].isGone && udp.harness.near?.mux.streamCount == 0 })
    clinux_close(client.fd)
  }
}

@Suite struct PortUnreachableTests {
  /// RFC 791 and 792, field by field; the checksums were computed apart from the code.
  @Test func theBytes() throws {
    let key = FlowKey(
      source: IPEndpoint(IPAddress(parsing: "10.1.2.3")!, port: 0x1234),
      destination: IPEndpoint(IPAddress(parsing: "10.96.0.10")!, port: 53))
    let message = try #require(PortUnreachable.message(for: key, length: 5))
    #expect(message.count == 56)
    #expect(Array(message[0..<10]) == [0x45, 0, 0, 56, 0, 0, 0x40, 0, 64, 1])
    #expect(Array(message[12..<20]) == [10, 96, 0, 10, 10, 1, 2, 3])
    #expect(Array(message[20..<22]) == [3, 3] && Array(message[24..<28]) == [0, 0, 0, 0])
    #expect(Array(message[28..<38]) == [0x45, 0, 0, 33, 0, 0, 0x40, 0, 64, 17])
    #expect(Array(message[40..<48]) == [10, 1, 2, 3, 10, 96, 0, 10])
    #expect(Array(message[48..<56]) == [0x12, 0x34, 0, 53, 0, 13, 0, 0])
    // A sum with its own checksum in it is all ones (RFC 1071).
    func sum(_ bytes: ArraySlice<UInt8>) -> Int {
      var total = 0
      for index in stride(from: bytes.startIndex, to: bytes.endIndex, by: 2) {
        total += Int(bytes[index]) << 8 + Int(bytes[index + 1])
      }
      while total > 0xffff { total = total & 0xffff + total >> 16 }
      return total
    }
    #expect(sum(message[0..<20]) == 0xffff && sum(message[20..<56]) == 0xffff && sum(message[28..<48]) == 0xffff)
  }

  @Test func ipv6HasNone() {
    let six = IPEndpoint(IPAddress(parsing: "2001:db8::1")!, port: 1)
    #expect(PortUnreachable.message(for: FlowKey(source: six, destination: six), length: 1) == nil)
  }
}
