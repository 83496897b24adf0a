import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// The rules of sessions, and who has which.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RulesTests {
  private func ask(_ person: Person, _ port: UInt16, count: UInt64, flag: UInt8 = ControlMessage.matching)
    -> ControlMessage?
  { person.ask(ControlMessage(.turnToHost, port: port, flag: flag, first: count)) }

  @Test("Rules that cannot be read are refused, and so is a port that is not served")
  func refusals() {
    let split = SplitScene(rule: nil)
    #expect(split.alice.keep("no rule", port: split.port) == .failed)
    #expect(split.alice.keep("", port: split.port) == .failed)
    #expect(split.alice.keep("path /\(String(repeating: "x", count: 17_000))", port: split.port) == .failed)
    #expect(split.alice.keep("path /", port: 1) == .notServed)
    #expect(ask(split.alice, split.port, count: 1)?.flag == 2, "no rules have come")
    #expect(split.alice.keep("path /\(String(repeating: "x", count: 16_000))", port: split.port) == .connected)
    #expect(ask(split.alice, split.port, count: 1)?.flag == 0)
    let short = TestStream.open(split.alice.session, Preamble(.rules, port: split.port), [0, 0, 0, 9, 1])
    short.finish()
    #expect(split.loop.turn { short.status == .failed })
  }

  @Test("New rules hold from the next turn on")
  func replaced() {
    let split = SplitScene(rule: "path /a")
    #expect(split.alice.keep("path /b", port: split.port) == .connected)
    let client = split.scene.client()
    split.exchange(client, SplitScene.request("/a"), person: split.alice, "host")
    split.exchange(client, SplitScene.request("/b"), person: nil, "origin")
    #expect(ask(split.alice, split.port, count: 1)?.flag == 0)
    split.exchange(client, SplitScene.request("/a"), person: nil, "origin")
    split.exchange(client, SplitScene.request("/b"), person: split.alice, "host")
    #expect(split.alice.host.connections.count == 1)
    client.close()
    split.expectNothingLeft()
  }

  @Test("A rule that two people have is the later claim's, and the other keeps the rest")
  func superseded() {
    let split = SplitScene(rule: "path /a\n\npath /b")
    let bob = Person(split.scene, 2)
    #expect(bob.turn(split.port, matching: "path /b", count: 2))
    #expect(
      split.loop.turn {
        split.alice.told.contains(ControlMessage(.superseded, port: split.port, flag: ControlMessage.matching))
      })
    let client = split.scene.client()
    split.exchange(client, SplitScene.request("/a"), person: split.alice, "alice")
    split.exchange(client, SplitScene.request("/b"), person: bob, "bob")
    #expect(split.alice.keep("path /b", port: split.port) == .connected)
    let answer = ask(split.alice, split.port, count: 1)
    #expect(answer?.flag == 1 && answer?.first == 2)
    client.close()
    split.expectNothingLeft(bob)
  }

  @Test("A session may have all of a port and a part of it; each ends by itself")
  func both() {
    let split = SplitScene(rule: "path /a*")
    let client = split.scene.client()
    split.exchange(client, SplitScene.request("/a"), person: split.alice, "host")
    #expect(split.alice.turn(split.port, count: 2))
    split.exchange(client, SplitScene.request("/b"), person: split.alice, "all")
    split.exchange(client, SplitScene.request("/a2"), person: split.alice, "host")
    #expect(split.alice.ask(ControlMessage(.counters, port: split.port))?.first == 3)
    #expect(split.alice.ask(ControlMessage(.turnToOrigin, port: split.port)) != nil)
    split.exchange(client, SplitScene.request("/c"), person: nil, "origin")
    split.exchange(client, SplitScene.request("/a3"), person: split.alice, "host")
    #expect(split.alice.turn(split.port, count: 3))
    let end = ControlMessage(.turnToOrigin, port: split.port, flag: ControlMessage.matching)
    #expect(split.alice.ask(end) == end)
    #expect(split.agent.inbound[0].ruled.isEmpty)
    split.exchange(client, SplitScene.request("/d"), person: split.alice, "all")
    split.exchange(client, SplitScene.request("/a4"), person: split.alice, "all")
    #expect(split.alice.ask(ControlMessage(.turnToOrigin)) != nil)
    split.exchange(client, SplitScene.request("/e"), person: nil, "origin")
    client.close()
    split.expectNothingLeft()
  }

  @Test("Connections that stay on the origin when another session takes the port are counted, and end in time")
  func stays() {
    let split = SplitScene()
    let bob = Person(split.scene, 2)
    let stream = split.scene.client()
    stream.send("\u{1}\u{2}")
    split.atOrigin("\u{1}\u{2}")
    let client = split.scene.client()
    split.exchange(client, SplitScene.request("/"), person: nil, "origin")
    let silent = split.scene.client()
    #expect(split.loop.turn { split.agent.inbound[0].splits.count == 3 })
    let question = ControlMessage(.onOrigin, port: split.port)
    #expect(split.alice.ask(question)?.onOrigin.reduce(0, +) == 0, "she has what she wants of them")
    #expect(bob.ask(ControlMessage(.turnToHost, port: split.port, first: 2, second: 300))?.flag == 0)
    #expect(bob.ask(question)?.onOrigin == [1, 0, 0, 0, 0, 0, 0, 0])
    split.exchange(client, SplitScene.request("/b"), person: bob, "bob")
    split.exchange(silent, SplitScene.request("/c"), person: bob, "bob")
    #expect(split.loop.turn { stream.sawEnd } && !stream.sawReset)
    #expect(bob.ask(question)?.onOrigin.reduce(0, +) == 0)
    stream.close()
    client.close()
    silent.close()
    split.expectNothingLeft(bob)
  }

  @Test("A lower count than that of a whole intercept is no obstacle, and an implausible one is")
  func counts() {
    let split = SplitScene(rule: nil)
    let bob = Person(split.scene, 2)
    #expect(bob.turn(split.port, count: 9))
    #expect(split.alice.turn(split.port, matching: "path /a", count: 3))
    #expect(ask(split.alice, split.port, count: 5000)?.flag == 1)
  }
}
