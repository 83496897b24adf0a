import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Copies of requests for people who take none of them.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CopyTests {
  private typealias Scene = SplitScene

  /// - Parameter rule: alice's, beside "copy *".
  private func scene(_ rule: String = "", limits: InboundLimits? = nil) -> SplitScene {
    SplitScene(limits: limits, rule: "copy *" + (rule.isEmpty ? "" : "\n" + rule))
  }

  private func counters(_ person: Person, _ port: UInt16) -> [UInt64] {
    let answer = person.ask(ControlMessage(.counters, port: port, flag: ControlMessage.copies))
    return answer.map { [$0.first, $0.second] } ?? []
  }

  @Test("Requests that match are copied, the origin answers, and the host's answers are dropped")
  func copies() {
    let split = scene("header x-devtunnel=alice")
    let client = split.scene.client()
    split.exchange(client, Scene.match("/1", body: "body"), person: nil, "origin")
    split.atHost(Scene.match("/1", body: "body"))?.send(Scene.answer("dropped"))
    split.exchange(client, Scene.request("/2"), person: nil, "origin 2")
    split.exchange(client, Scene.match("/3"), person: nil, "origin 3")
    split.atHost(Scene.match("/3"))
    #expect(split.alice.host.connections.map(\.text) == [Scene.match("/1", body: "body") + Scene.match("/3")])
    #expect(
      split.origins.count == 1 && client.text == ["origin", "origin 2", "origin 3"].map { Scene.answer($0) }.joined())
    #expect(counters(split.alice, split.port) == [2, 0])
    client.finish()
    #expect(split.loop.turn { split.alice.host.connections[0].sawEnd || split.origins[0].sawEnd })
    split.origins[0].finish()
    #expect(split.loop.turn { split.alice.host.connections[0].sawEnd && client.sawEnd })
    split.expectNothingLeft()
  }

  @Test("All of a port is copied, of other protocols as well, beside an intercept and other mirrors")
  func several() {
    let split = scene()
    let bob = Person(split.scene, 2)
    let carol = Person(split.scene, 3)
    let dave = Person(split.scene, 4)
    #expect(bob.turn(split.port, count: 2))
    #expect(carol.turn(split.port, matching: "path /carol/*", count: 3))
    #expect(dave.turn(split.port, matching: "copy *\npath /carol/*", count: 4), "an equal rule is no conflict")
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: bob, "bob")
    split.exchange(client, Scene.request("/carol/1"), person: carol, "carol")
    split.atHost(Scene.request("/carol/1"), of: split.alice)
    split.atHost(Scene.request("/carol/1"), of: dave)
    #expect(split.alice.host.connections[0].text == Scene.request("/1") + Scene.request("/carol/1"))
    #expect(dave.host.connections[0].text == Scene.request("/carol/1"))
    let other = split.scene.client()
    other.send([0, 1, 2, 3])
    #expect(split.loop.turn { split.alice.host.connections.count == 2 && bob.host.connections.count == 2 })
    #expect(split.loop.turn { split.alice.host.connections[1].received == [0, 1, 2, 3] })
    bob.host.connections[1].send([9])
    #expect(split.loop.turn { other.received == [9] })
    #expect(split.alice.told.isEmpty || !split.alice.told.contains { $0.kind == .superseded })
    client.close()
    other.close()
    split.expectNothingLeft(bob, carol, dave)
  }

  @Test("A host that refuses, is silent, or has gone only counts", arguments: [0, 1, 2])
  func noHost(kind: Int) {
    let split = scene()
    switch kind {
    case 0: split.alice.session.router = ToHost(freePort())
    case 1: split.alice.session.router = Never()
    default: split.alice.session.router = nil
    }
    let client = split.scene.client()
    for number in 1...5 { split.exchange(client, Scene.request("/\(number)"), person: nil, "\(number)") }
    split.scene.wait(milliseconds: 300)
    #expect(counters(split.alice, split.port) == [0, 5])
    split.alice.session.router = ToHost(split.alice.host.port)
    split.scene.wait(milliseconds: 1000)
    split.exchange(client, Scene.request("/6"), person: nil, "6")
    split.atHost(Scene.request("/6"))
    #expect(counters(split.alice, split.port) == [1, 5])
    client.close()
    split.expectNothingLeft()
  }

  @Test("A host that never reads costs a bounded number of bytes, and the origin nothing")
  func neverReads() {
    let split = scene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/0"), person: nil, "0")
    let host = split.atHost(Scene.request("/0"))!
    host.isReading = false
    let body = String(repeating: "x", count: 100_000)
    var most = 0
    for number in 1...100 {
      split.exchange(client, Scene.request("/\(number)", body: body), person: nil, "\(number)")
      most = max(most, split.loop.blocks.held)
    }
    // The loop is also the daemon's, in whose queue the session's window waits.
    #expect(most <= 1 << 20)
    let counted = counters(split.alice, split.port)
    #expect(counted.reduce(0, +) == 101 && counted[1] > 0)
    #expect(client.text.hasSuffix(Scene.answer("100")))
    client.close()
    host.close()
    split.expectNothingLeft()
  }

  @Test("The agent's bound for all copies holds")
  func allCopies() {
    let split = SplitScene(rule: "copy *")
    let agent = split.agent
    let most = min(agent.configuration.copyLimit, agent.loop.blocks.limit / 4)
    #expect(agent.holdCopies(most) && !agent.holdCopies(1))
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "1")
    #expect(counters(split.alice, split.port) == [0, 1])
    #expect(agent.holdCopies(-most))
    split.exchange(client, Scene.request("/2"), person: nil, "2")
    split.atHost(Scene.request("/2"))
    client.close()
    split.expectNothingLeft()
  }

  /// A frame of HTTP/2.
  private func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), kind, flags, 0, 0, 0, stream] + payload
  }

  @Test("A client that goes away gives back what its copies hold for a host's window")
  func clientGoes() {
    let split = scene()
    let most = min(split.agent.configuration.copyLimit, split.agent.loop.blocks.limit / 4)
    func isHolding() -> Bool { !split.agent.holdCopies(most) || !split.agent.holdCopies(-most) }
    let client = split.scene.client()
    client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []))
    client.send(frame(1, 4, 1, [0x82, 0x86, 0x84]))
    for _ in 0..<8 { client.send(frame(0, 0, 1, [UInt8](repeating: 0, count: 16_000))) }
    #expect(split.loop.turn { isHolding() && (split.alice.host.connections.first?.received.count ?? 0) > 65_535 })
    // Bytes that it has not read make its end a reset.
    client.isReading = false
    split.origins.first?.send(frame(4, 0, 0, []))
    split.scene.wait(milliseconds: 200)
    client.close()
    #expect(split.loop.turn { !isHolding() })
    split.expectNothingLeft()
  }

  @Test("Requests that are lost while no host has taken the connection are counted once")
  func lostOnce() {
    let split = scene()
    split.alice.session.router = Never()
    let client = split.scene.client()
    client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []))
    client.send(frame(1, 5, 1, [0x82, 0x86, 0x84]) + frame(1, 4, 3, [0x82, 0x86, 0x84]))
    for _ in 0..<24 { client.send(frame(0, 0, 3, [UInt8](repeating: 0, count: 16_000))) }
    #expect(split.loop.turn { counters(split.alice, split.port) == [0, 2] })
    split.scene.wait(milliseconds: 1200)
    #expect(counters(split.alice, split.port) == [0, 2])
    client.close()
    split.expectNothingLeft()
  }

  @Test("A host that ends its connection gets the next request by another one")
  func hostEnds() {
    let split = scene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "1")
    split.atHost(Scene.request("/1"))!.finish()
    #expect(split.loop.turn { split.alice.host.connections[0].sawEnd })
    split.exchange(client, Scene.request("/2"), person: nil, "2")
    split.atHost(Scene.request("/2"))
    #expect(split.alice.host.connections.map(\.text) == [Scene.request("/1"), Scene.request("/2")])
    client.close()
    split.expectNothingLeft()
  }

  @Test("Copies end with their session, with a leave, and with the agent", arguments: [0, 1, 2])
  func ends(kind: Int) {
    let split = scene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "1")
    let host = split.atHost(Scene.request("/1"))!
    switch kind {
    case 0: split.alice.session.close()
    case 1:
      #expect(split.alice.ask(ControlMessage(.turnToOrigin, port: split.port, flag: ControlMessage.matching)) != nil)
    default: split.agent.terminate()
    }
    #expect(split.loop.turn { kind == 2 || host.sawEnd || host.sawReset })
    client.send(Scene.request("/2"))
    split.atOrigin(Scene.request("/2"))?.send(Scene.answer("2"))
    #expect(split.loop.turn { client.ends(with: Scene.answer("2")) })
    #expect(host.text == Scene.request("/1"))
    client.close()
    host.close()
    guard kind < 2 else { return }
    split.expectNothingLeft()
  }
}
