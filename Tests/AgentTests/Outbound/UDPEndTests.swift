import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent

@Suite(.serialized, .timeLimit(.minutes(2))) struct UDPEndTests {
  private func udp(_ port: UInt16) -> Preamble { Preamble(.udp, port: port, address: [127, 0, 0, 1]) }

  @Test func carriesDatagramsBothWays() {
    let scene = OutboundScene()
    let server = UDPServer(loop: scene.loop)
    defer { server.close() }
    let sizes = [1, 0, 1472, 9000, 65_507, 3]
    let datagrams = sizes.map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0) }
    let stream = scene.open(udp(server.port), framed(datagrams[0]))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(stream.status == .connected)
    for datagram in datagrams[1...] {
      let count = stream.datagrams.count
      stream.send(datagram: datagram)
      #expect(scene.loop.turn { stream.datagrams.count > count })
    }
    let isSame = stream.datagrams == datagrams && server.received == datagrams
    #expect(isSame, "\(stream.datagrams.map(\.count))")
    stream.finish()
    #expect(scene.loop.turn { stream.sawEnd })
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
  }

  @Test func answersConnectedBeforeAnyDatagram() {
    let scene = OutboundScene()
    let stream = scene.open(udp(freePort()))
    #expect(scene.loop.turn { stream.status == .connected })
  }

  @Test func looksNamesUpAndKeepsWhatCameBefore() {
    let scene = OutboundScene()
    let server = UDPServer(loop: scene.loop)
    defer { server.close() }
    scene.nameserver.table["metrics.ns"] = [[127, 0, 0, 1]]
    let stream = scene.open(
      Preamble(.udp, port: server.port, address: Array("metrics.ns".utf8)), framed([1, 2]) + framed([3]))
    #expect(scene.loop.turn { stream.datagrams == [[1, 2], [3]] })
    let absent = scene.open(Preamble(.udp, port: server.port, address: Array("absent.ns".utf8)), framed([1]))
    #expect(scene.loop.turn { absent.sawReset })
    #expect(absent.status == .nameNotFound)
    #expect(scene.loop.blocks.waiting == 0)
  }

  /// A one-shot sender ends right behind its datagram, even before the name is known.
  @Test func sendsWhatStandsBeforeTheEnd() {
    let scene = OutboundScene()
    let server = UDPServer(loop: scene.loop)
    defer { server.close() }
    scene.nameserver.table["log.ns"] = [[127, 0, 0, 1]]
    let stream = scene.open(Preamble(.udp, port: server.port, address: Array("log.ns".utf8)), framed([9]))
    stream.finish()
    #expect(scene.loop.turn { stream.sawEnd && server.received == [[9]] })
  }

  @Test func aClosedPortResetsTheStream() {
    let scene = OutboundScene()
    let stream = scene.open(udp(freePort()), framed([1]))
    #expect(scene.loop.turn { stream.sawReset })
    #expect(stream.status == .connected)
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
  }

  /// Two datagrams in one piece: the second finds the refusal of the first. The status still comes first.
  @Test func aRefusalBetweenTwoDatagramsResetsTheStreamBehindItsStatus() {
    let scene = OutboundScene()
    let stream = scene.open(udp(freePort()), framed([1]) + framed([2]) + framed([3]))
    #expect(scene.loop.turn { stream.sawReset })
    #expect(stream.status == .connected)
  }

  @Test func anUnreachableNetworkIsSaidAtOnce() {
    let scene = OutboundScene()
    let stream = scene.open(Preamble(.udp, port: 53, address: [255, 255, 255, 255]), framed([1]))
    #expect(scene.loop.turn { stream.sawReset })
    #expect(stream.status == .unreachable, "connect(2) to a broadcast address is EACCES")
  }

  @Test func endsWhenIdle() {
    let scene = OutboundScene {
      $0.idleLimits.oneWay = 50_000
      $0.idleLimits.bothWays = 1_000_000
    }
    let server = UDPServer(loop: scene.loop)
    defer { server.close() }
    server.echoes = false
    let start = clinux_monotonic_us()
    let oneWay = scene.open(udp(server.port), framed([1]))
    #expect(scene.loop.turn { oneWay.sawEnd })
    let first = clinux_monotonic_us() - start
    #expect(first >= 50_000 && first < 1_000_000, "\(first) µs")
    oneWay.finish()

    server.echoes = true
    let again = clinux_monotonic_us()
    let bothWays = scene.open(udp(server.port), framed([1]))
    #expect(scene.loop.turn { bothWays.datagrams.count == 1 })
    #expect(scene.loop.turn { bothWays.sawEnd })
    #expect(clinux_monotonic_us() - again >= 1_000_000)
    bothWays.finish()
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
  }

  /// A reader that takes nothing: its flow loses datagrams whole, others go on, and nothing piles up here.
  @Test func aStreamWithoutCreditLosesDatagramsAndHoldsUpNobody() {
    let scene = OutboundScene()
    let server = UDPServer(loop: scene.loop)
    let other = UDPServer(loop: scene.loop)
    defer {
      server.close()
      other.close()
    }
    server.echoes = false
    let stream = scene.open(udp(server.port), framed([1]))
    stream.isReading = false
    #expect(scene.loop.turn { server.received.count == 1 })
    let sent = 2000
    for number in 0..<sent {
      server.send(
        [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1370))
      if number % 20 == 0 { scene.loop.turn(maximumWait: 0) }
    }
    for _ in 0..<50 { scene.loop.turn(maximumWait: 0) }
    #expect(stream.received.count <= 256 << 10)
    let passing = scene.open(udp(other.port), framed([7]))
    #expect(scene.loop.turn { passing.datagrams == [[7]] })

    stream.readAgain()
    server.send([255, 255, 1])
    #expect(scene.loop.turn { stream.datagrams.last == [255, 255, 1] }, "the flow goes on")
    #expect(stream.datagrams.count > 64 && stream.datagrams.count < sent, "\(stream.datagrams.count) arrived")
    for datagram in stream.datagrams.dropLast() {
      #expect(datagram.count == 1372 && datagram[2...].allSatisfy { $0 == datagram[1] })
    }
  }

  @Test func doesNotKeepATerminatingAgent() {
    let scene = OutboundScene()
    let server = UDPServer(loop: scene.loop)
    defer { server.close() }
    let stream = scene.open(udp(server.port), framed([1]))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(scene.agent.connections == 0)
  }
}
