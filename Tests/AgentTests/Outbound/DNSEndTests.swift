import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent

@Suite(.serialized, .timeLimit(.minutes(2))) struct DNSEndTests {
  /// An A query.
  private func query(_ name: String, id: UInt16) -> [UInt8] {
    var message: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for label in name.split(separator: ".") { message += [UInt8(label.utf8.count)] + Array(label.utf8) }
    return message + [0, 0, 1, 0, 1]
  }

  private func id(_ message: [UInt8]) -> UInt16 { UInt16(message[0]) << 8 | UInt16(message[1]) }
  private func code(_ message: [UInt8]) -> UInt8 { message[3] & 15 }

  /// The last four bytes: the address of the last record.
  private func address(_ message: [UInt8]) -> [UInt8] { message.suffix(4) }

  @Test func asksThePodsNameserver() {
    let scene = OutboundScene()
    scene.nameserver.table["users.ns"] = [[10, 1, 2, 3]]
    let stream = scene.open(Preamble(.dns), framed(query("users.ns", id: 0x1234)))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(stream.status == .connected)
    #expect(id(stream.datagrams[0]) == 0x1234)
    #expect(address(stream.datagrams[0]) == [10, 1, 2, 3])
    stream.send(datagram: query("absent.ns", id: 7))
    #expect(scene.loop.turn { stream.datagrams.count == 2 })
    #expect(id(stream.datagrams[1]) == 7 && code(stream.datagrams[1]) == 3)
    stream.finish()
    #expect(scene.loop.turn { stream.sawEnd && scene.agent.session?.mux.streamCount == 0 })
    #expect(scene.loop.blocks.waiting == 0)
  }

  /// Askers may all use one ID; answers in reverse order reach the right ones.
  @Test func keepsManyQueriesApart() {
    let scene = OutboundScene()
    for number in 0..<200 { scene.nameserver.table["n\(number).ns"] = [[10, 0, 0, UInt8(number)]] }
    scene.nameserver.batch = 200
    let stream = scene.open(Preamble(.dns), (0..<200).flatMap { framed(query("n\($0).ns", id: UInt16($0 / 2))) })
    stream.finish()
    #expect(scene.loop.turn { stream.sawEnd })
    #expect(stream.datagrams.count == 200)
    for answer in stream.datagrams {
      let label = String(decoding: answer[14..<13 + Int(answer[12])], as: UTF8.self)
      #expect(address(answer)[3] == UInt8(label) && id(answer) == UInt16(label).map { $0 / 2 }, "n\(label)")
    }
    #expect(stream.datagrams.first?[14] == UInt8(ascii: "1"), "the last was answered first")
  }

  @Test func asksTheServerInThePreamble() {
    let scene = OutboundScene()
    let other = FakeNameserver(loop: scene.loop)
    defer { other.close() }
    other.table["x.other"] = [[1, 1, 1, 1]]
    let stream = scene.open(
      Preamble(.dns, port: other.address.port, address: [127, 0, 0, 1]), framed(query("x.other", id: 1)))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(address(stream.datagrams[0]) == [1, 1, 1, 1])
    #expect(scene.nameserver.questions == 0)
  }

  @Test func aNameInThePreambleIsNotServed() {
    let scene = OutboundScene()
    let stream = scene.open(Preamble(.dns, address: Array("dns.ns".utf8)))
    #expect(scene.loop.turn { stream.sawReset })
    #expect(stream.status == .notServed)
  }

  // MARK: Several servers

  /// A scene whose agent knows a second server.
  private func scene(
    first: clinux_address? = nil, second: clinux_address, server: UInt64 = 2_000_000, total: UInt64 = 5_000_000
  ) -> OutboundScene {
    OutboundScene {
      $0.nameservers = [first ?? $0.nameservers[0], second]
      $0.queryLimits.server = server
      $0.queryLimits.total = total
    }
  }

  @Test func asksTheNextServerWhenOneIsSilent() {
    let port = freePort()
    let scene = scene(second: loopback(port), server: 60_000)
    let second = UDPServer(loop: scene.loop, port: port)
    second.echoes = false
    defer { second.close() }
    scene.nameserver.isSilent = true
    let start = clinux_monotonic_us()
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)))
    #expect(scene.loop.turn { second.received.count == 1 })
    #expect(clinux_monotonic_us() - start >= 60_000)
    var answer = second.received[0]
    answer[2] |= 0x80
    second.send(answer)
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(id(stream.datagrams[0]) == 5)
  }

  @Test func asksTheNextServerAtOnceWhenOneRefuses() {
    let port = freePort()
    let scene = scene(first: loopback(freePort()), second: loopback(port), server: 30_000_000, total: 60_000_000)
    let second = UDPServer(loop: scene.loop, port: port)
    second.echoes = false
    defer { second.close() }
    // The second query finds the first one's refusal on the socket.
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)) + framed(query("y.ns", id: 6)))
    #expect(scene.loop.turn { second.received.count == 2 })
    for var answer in second.received {
      answer[2] |= 0x80
      second.send(answer)
    }
    #expect(scene.loop.turn { stream.datagrams.count == 2 })
    #expect(Set(stream.datagrams.map(id)) == [5, 6])
  }

  @Test func asksTheNextServerWhenOneIsHelpless() {
    let port = freePort()
    let scene = scene(second: loopback(port), server: 30_000_000, total: 60_000_000)
    let second = UDPServer(loop: scene.loop, port: port)
    second.echoes = false
    defer { second.close() }
    scene.nameserver.code = 2
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)))
    #expect(scene.loop.turn { second.received.count == 1 })
    #expect(stream.datagrams.isEmpty)
    var answer = second.received[0]
    answer[2] |= 0x80
    answer[3] = 5
    second.send(answer)
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(code(stream.datagrams[0]) == 5, "the last word is passed on")
  }

  @Test func failsWhenNobodyAnswers() {
    let scene = OutboundScene {
      $0.queryLimits.server = 40_000
      $0.queryLimits.total = 100_000
    }
    scene.nameserver.isSilent = true
    let asked = query("x.ns", id: 5)
    let start = clinux_monotonic_us()
    let stream = scene.open(Preamble(.dns), framed(asked))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(clinux_monotonic_us() - start >= 100_000)
    #expect(stream.datagrams[0] == [0, 5, 0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 0] + asked[12...])
    #expect(scene.nameserver.questions == 3, "a server alone is asked again")
  }

  /// A Service's rules bind a socket to one Pod; when that is gone, another socket finds the next.
  @Test func asksASilentServerAgainFromAnotherPort() {
    let port = freePort()
    let scene = OutboundScene {
      $0.nameservers = [loopback(port)]
      $0.queryLimits.server = 40_000
    }
    let server = UDPServer(loop: scene.loop, port: port)
    defer { server.close() }
    server.echoes = false
    // Two at once: the second must not close the socket from which the first was asked again.
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)) + framed(query("y.ns", id: 6)))
    #expect(scene.loop.turn { server.received.count == 2 })
    let first = server.peer.port
    #expect(scene.loop.turn { server.received.count == 4 })
    #expect(server.peer.port != first)
    for var answer in server.received[2...] {
      answer[2] |= 0x80
      server.send(answer)
    }
    #expect(scene.loop.turn { stream.datagrams.count == 2 })
  }

  /// A server that comes back is reached although its port refused before.
  @Test func aServerThatComesBackAnswers() {
    let port = freePort()
    let scene = OutboundScene {
      $0.nameservers = [loopback(port)]
      $0.queryLimits.server = 50_000
    }
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)))
    #expect(scene.loop.turn { stream.status == .connected })
    let server = UDPServer(loop: scene.loop, port: port)
    defer { server.close() }
    server.echoes = false
    #expect(scene.loop.turn { server.received.count == 1 })
    var answer = server.received[0]
    answer[2] |= 0x80
    server.send(answer)
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
  }

  // MARK: TCP

  @Test func asksOverTCPWhenTheAnswerIsCutOff() {
    let scene = OutboundScene()
    scene.nameserver.truncates = true
    scene.nameserver.table["big.ns"] = (0..<100).map { [10, 0, 0, UInt8($0)] }
    let stream = scene.open(Preamble(.dns), framed(query("big.ns", id: 5)))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(scene.nameserver.tcpQuestions == 1)
    #expect(stream.datagrams[0].count == 12 + 12 + 100 * 16)
    #expect(stream.datagrams[0][2] & 2 == 0 && address(stream.datagrams[0]) == [10, 0, 0, 99])
    #expect(id(stream.datagrams[0]) == 5)
  }

  @Test func givesWhatItHasWhereTCPIsRefused() {
    let port = freePort()
    let scene = OutboundScene { $0.nameservers = [loopback(port)] }
    let server = UDPServer(loop: scene.loop, port: port)
    defer { server.close() }
    server.echoes = false
    let stream = scene.open(Preamble(.dns), framed(query("big.ns", id: 5)))
    #expect(scene.loop.turn { server.received.count == 1 })
    var answer = server.received[0]
    answer[2] |= 0x82
    server.send(answer)
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    answer[0...1] = [0, 5]
    #expect(stream.datagrams[0] == answer)
  }

  // MARK: What is no answer, and what is no query

  @Test func ignoresWhatDoesNotAnswerTheQuestion() {
    let scene = OutboundScene { $0.queryLimits.total = 150_000 }
    scene.nameserver.table["x.ns"] = [[1, 1, 1, 1]]
    for damage in [
      { $0[0] ^= 0x55 }, { $0[13] ^= 1 }, { $0[2] &= 0x7f }, { $0[5] = 2 }, { $0.removeLast($0.count - 11) },
    ] as [(inout [UInt8]) -> Void] {
      scene.nameserver.change = {
        var answer = $0
        damage(&answer)
        return answer
      }
      let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)))
      #expect(scene.loop.turn { stream.datagrams.count == 1 })
      #expect(code(stream.datagrams[0]) == 2)
      stream.finish()
    }
    scene.nameserver.change = { answer in answer.enumerated().map { $0 == 13 ? $1 & 0xdf : $1 } }
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)))
    #expect(scene.loop.turn { stream.datagrams.count == 1 })
    #expect(code(stream.datagrams[0]) == 0, "the case of a name does not matter")
  }

  @Test func answersMalformedQueriesWithAFormatError() {
    let scene = OutboundScene()
    let good = query("x.ns", id: 5)
    var twice = good
    twice[5] = 2
    var pointer = good
    pointer[12] = 0xc0
    for malformed in [Array(good[..<12]), Array(good.dropLast()), Array(good[..<15]), twice, pointer] {
      let stream = scene.open(Preamble(.dns), framed(malformed))
      #expect(scene.loop.turn { stream.datagrams.count == 1 })
      #expect(stream.datagrams.first == [0, 5, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0])
    }
    // Less than a header, and what is an answer itself, get nothing.
    var answer = good
    answer[2] |= 0x80
    let stream = scene.open(Preamble(.dns), framed([1, 2, 3]) + framed([]) + framed(answer) + framed(good))
    stream.finish()
    #expect(scene.loop.turn { stream.sawEnd })
    #expect(stream.datagrams.count == 1)
    #expect(scene.nameserver.questions == 1)
  }

  @Test func oneEndIsResetWithQueriesUnderWay() {
    let scene = OutboundScene()
    scene.nameserver.isSilent = true
    let stream = scene.open(Preamble(.dns), framed(query("x.ns", id: 5)))
    #expect(scene.loop.turn { scene.nameserver.questions == 1 })
    stream.reset()
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
  }
}
