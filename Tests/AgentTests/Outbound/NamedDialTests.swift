import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent

/// TCP streams to names of several addresses, such as headless Services, some of whose Pods are dead.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NamedDialTests {
  private func open(_ scene: OutboundScene, _ port: UInt16, _ addresses: [[UInt8]]) -> TestStream {
    scene.nameserver.table["db.shop"] = addresses
    return scene.open(Preamble(.tcp, port: port, address: Array("db.shop".utf8)), Array("question".utf8))
  }

  @Test func theNextAddressIsTriedWhereOneRefuses() {
    let scene = OutboundScene()
    let server = TestServer(loop: scene.loop)
    defer { server.close() }
    let stream = open(scene, server.port, [[127, 0, 0, 9], [127, 0, 0, 8], [127, 0, 0, 1], [127, 0, 0, 7]])
    #expect(scene.loop.turn { server.connections.first?.text == "question" })
    server.connections[0].send("answer")
    #expect(scene.loop.turn { stream.received == Array("answer".utf8) })
    #expect(stream.status == .connected && server.connections.count == 1 && scene.loop.blocks.waiting == 0)
  }

  @Test func oneThatDoesNotAnswerCostsTwoSeconds() {
    let scene = OutboundScene()
    let server = TestServer(loop: scene.loop)
    let full = FullListener(loop: scene.loop, port: server.port, lastByte: 8)
    defer { server.close() }
    let started = clinux_monotonic_us()
    let stream = open(scene, server.port, [[127, 0, 0, 8], [127, 0, 0, 1]])
    #expect(scene.loop.turn { stream.status == .connected })
    #expect((1_900_000...4_000_000).contains(clinux_monotonic_us() - started))
    #expect(scene.loop.turn { server.connections.first?.text == "question" })
    full.close()
  }

  @Test func theLastReasonIsTold() {
    let scene = OutboundScene()
    let dead = freePort()
    let full = FullListener(loop: scene.loop, port: dead, lastByte: 8)
    let stream = open(scene, dead, [[127, 0, 0, 8], [127, 0, 0, 1]])
    #expect(scene.loop.turn { stream.status == .refused })
    #expect(scene.loop.turn { scene.agent.session?.mux.streamCount == 0 })
    full.close()
  }
}

/// Listens on 127.0.0.x, takes no connection, and its queue is full: who connects hears nothing.
final class FullListener {
  private let fd: Int32
  private let filler: TestClient
  private let loop: EventLoop

  init(loop: EventLoop, port: UInt16, lastByte: UInt8) {
    self.loop = loop
    var address = loopback(port)
    clinux_parse_address("127.0.0.\(lastByte)", &address)
    address.port = port
    fd = clinux_tcp_listen(&address, 0)
    precondition(fd >= 0)
    filler = TestClient(loop: loop, fd: clinux_tcp_connect(&address))
    loop.turn(maximumWait: 50)
  }

  func close() {
    filler.close()
    clinux_close(fd)
  }
}
