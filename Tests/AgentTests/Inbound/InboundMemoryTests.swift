import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

@Suite(.serialized) struct InboundMemoryTests {
  @Test func moreConnectionsThanItsMemoryAllowsAreReset() {
    let scene = AgentScene(limits: InboundLimits(connections: 8, bytes: 1 << 20))
    let clients = (0..<12).map { _ in scene.client() }
    #expect(
      scene.loop.turn { clients.count { $0.text == "origin" } == 8 && clients.count { $0.sawReset || $0.sawEnd } == 4 })
    #expect(scene.agent.connections == 8)
    for client in clients.prefix(3) { client.close() }
    for client in scene.origin.connections where client.sawEnd { client.close() }
    #expect(
      scene.loop.turn {
        for client in scene.origin.connections where client.sawEnd { client.close() }
        return scene.agent.connections <= 8 - 1
      })
    let late = scene.client()
    #expect(scene.loop.turn { late.text == "origin" }, "there is room again")
    for client in clients + [late] { client.close() }
  }

  /// The first bytes of a connection are kept until the host has answered, 64 KiB and more of each client.
  @Test("Clients that send before the host answers lose their connections before one that reads slowly does")
  func keptBytesCountAsWaiting() throws {
    let limit = 1 << 20
    let scene = AgentScene(limits: InboundLimits(connections: 64, bytes: limit), acknowledgeLimit: 60_000_000)
    scene.attach()
    scene.session?.router = FirstAlone(scene.hostServer.port)
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    let reader = scene.client()
    reader.send("x")
    #expect(scene.loop.turn { scene.hostServer.connections.first?.text == "x" })
    let host = try #require(scene.hostServer.connections.first)
    let crowd = (0..<32).map { _ in scene.client() }
    for client in crowd { client.send([UInt8](repeating: 7, count: 256 << 10)) }
    #expect(scene.loop.turn { scene.loop.blocks.isFull })
    #expect(!crowd.contains { $0.sawReset })
    // The kernel's buffers fill first. Small pieces: the reader never holds as much as one of the crowd.
    reader.isReading = false
    var sent = 0
    while !crowd.contains(where: \.sawReset), !host.sawReset, !host.sawEnd, sent < 64 << 20 {
      host.send([UInt8](repeating: 8, count: 16 << 10))
      sent += 16 << 10
      for _ in 0..<4 { scene.loop.turn(maximumWait: 1) }
    }
    #expect(crowd.contains { $0.sawReset } && !host.sawReset && !host.sawEnd)
    reader.isReading = true
    #expect(scene.loop.turn(seconds: 20) { reader.received.count == sent })
    #expect(!reader.sawReset)
    #expect(scene.loop.blocks.held <= limit + Session.maximumFrame)
    for client in crowd + [reader] { client.close() }
  }

  @Test("Bytes on their path back to the origin count as waiting until it takes them", arguments: [true, false])
  func backlogCountsAsWaiting(isShed: Bool) {
    let scene = AgentScene()
    scene.attach()
    let before = scene.client()
    #expect(scene.loop.turn { before.text == "origin" }, "a port that has served is tried for a while")
    // Nobody listens there.
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 9]]
    #expect(scene.loop.turn { !scene.agent.origin.answers })
    scene.session?.router = Never()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.told = []
    let clients = (0..<8).map { _ in scene.client() }
    for client in clients { client.send([UInt8](repeating: 7, count: 1_000)) }
    #expect(scene.loop.turn { scene.told.count { $0.kind == .fellBack } == 8 })
    #expect(scene.loop.blocks.held == 8_000)
    if isShed {
      scene.loop.blocks.limit = 3_500
      scene.loop.shedWhileFull()
      scene.loop.turn(maximumWait: 1)
      #expect(scene.loop.blocks.held == 3_000)
      #expect(scene.loop.turn { clients.count { $0.sawReset } == 5 })
      scene.loop.blocks.limit = 1 << 20
    }
    scene.nameserver.table["origin.ns"] = [[127, 0, 0, 2]]
    #expect(scene.loop.turn { clients.allSatisfy { $0.text == "origin" || $0.sawReset } })
    #expect(scene.loop.turn { scene.loop.blocks.held == 0 })
    #expect(scene.loop.turn { scene.origin.connections.count { $0.received.count == 1_000 } == (isShed ? 3 : 8) })
    for client in clients + [before] { client.close() }
  }
}
