import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Several people at one agent.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SessionsTests {
  /// Two people, each of whom has one of the agent's ports.
  private final class Two {
    let scene: AgentScene
    let alice: Person
    let bob: Person
    var (first, second): (UInt16, UInt16)

    init() {
      let other = freePort()
      scene = AgentScene(ports: [other])
      (first, second) = (scene.origin.port, other)
      alice = Person(scene, 1)
      bob = Person(scene, 2)
      #expect(alice.turn(first, count: 1) && bob.turn(second, count: 2))
    }

    func originGets(_ port: UInt16) -> Bool {
      let client = TestClient(loop: scene.loop, port: port)
      return scene.loop.turn(times: 100) { client.text == "origin" }
    }
  }

  @Test("Each port goes to the host of the person who has it")
  func portsOfTwo() {
    let two = Two()
    #expect(two.alice.isOpen && two.bob.isOpen)
    #expect(two.alice.gets(two.first) && two.bob.gets(two.second))
    #expect(two.alice.host.connections.count == 1 && two.bob.host.connections.count == 1)
  }

  @Test("A session that ends gives its ports back to the origin, and no others", arguments: [true, false])
  func oneEnds(byMessage: Bool) {
    let two = Two()
    if byMessage {
      #expect(two.alice.ask(ControlMessage(.turnToOrigin)) != nil)
    } else {
      two.alice.session.close()
      #expect(two.scene.loop.turn { two.scene.agent.sessions.count == 1 })
    }
    #expect(two.originGets(two.first) && two.bob.gets(two.second))
  }

  @Test("Only the person who has a port gives it back")
  func othersPort() {
    let two = Two()
    #expect(two.bob.ask(ControlMessage(.turnToOrigin, port: two.first)) != nil)
    #expect(two.alice.gets(two.first))
  }

  @Test("A take-over of one port tells its former owner, and leaves everything else")
  func takeOver() {
    let two = Two()
    let client = TestClient(loop: two.scene.loop, port: two.first)
    client.send("before")
    #expect(two.scene.loop.turn { two.alice.host.connections.first?.text == "before" })
    #expect(two.bob.turn(two.first, count: 3))
    #expect(two.scene.loop.turn { two.alice.told.contains(ControlMessage(.superseded, port: two.first)) })
    #expect(two.bob.gets(two.first) && two.bob.gets(two.second))
    // The connections that she has are hers.
    two.alice.host.connections.first?.send("after")
    #expect(two.scene.loop.turn { client.text == "after" })
    #expect(two.alice.isOpen)
  }

  @Test("A later claim is not undone by an earlier one")
  func earlierClaim() {
    let two = Two()
    #expect(two.bob.turn(two.first, count: 3))
    let answer = two.alice.ask(ControlMessage(.turnToHost, port: two.first, first: 2))
    #expect(answer == ControlMessage(.turnToHost, port: two.first, flag: 1, first: 3))
    #expect(two.bob.gets(two.first))
    // Nor once its owner has gone.
    two.bob.session.close()
    #expect(two.scene.loop.turn { two.scene.agent.sessions.count == 1 })
    #expect(!two.alice.turn(two.first, count: 2))
    #expect(two.originGets(two.first))
    #expect(two.alice.turn(two.first, count: 4) && two.alice.gets(two.first))
  }

  @Test("A count that no record holds, or that leaps, keeps no later holder out")
  func hugeCounts() {
    let two = Two()
    let huge: [UInt64] = [.max, .max - 1, 1 << 31, 1 << 63, 2_147_483_647, 1003]
    for count in huge {
      #expect(!two.bob.turn(two.first, count: count))
    }
    #expect(two.alice.gets(two.first) && two.alice.turn(two.first, count: 1002))
  }

  @Test("A person's new session takes the place of the former one, and of no other")
  func sameHolder() {
    let two = Two()
    _ = two.alice.ask(.admit)
    let again = Person(two.scene, 1)
    #expect(again.isOpen && two.bob.isOpen)
    #expect(two.scene.loop.turn { two.alice.session.isClosed })
    #expect(two.scene.agent.sessions.count == 2)
    #expect(two.originGets(two.first) && two.bob.gets(two.second))
    #expect(again.turn(two.first, count: 1) && again.gets(two.first))
  }

  @Test("The agent is ready while one of them needs it")
  func readiness() {
    let scene = AgentScene(originAnswers: false)
    let (alice, bob) = (Person(scene, 1), Person(scene, 2))
    #expect(!scene.isReady)
    _ = alice.ask(.admit)
    #expect(scene.isReady)
    _ = bob.ask(.admit)
    _ = alice.ask(.retire)
    #expect(scene.isReady, "bob needs it")
    bob.session.close()
    #expect(scene.loop.turn { scene.agent.sessions.count == 1 })
    #expect(!scene.isReady)
  }

  @Test("An agent that one has retired and another admits is not retired")
  func retiredAndAdmitted() {
    let scene = AgentScene()
    let (alice, bob) = (Person(scene, 1), Person(scene, 2))
    _ = alice.ask(.retire)
    #expect(!scene.isReady)
    _ = bob.ask(.admit)
    #expect(scene.isReady)
    bob.session.close()
    #expect(scene.loop.turn { scene.agent.sessions.count == 1 })
    #expect(scene.isReady, "the origin answers")
  }

  @Test("It has a bounded number of sessions; one that is silent makes room")
  func crowd() {
    let scene = AgentScene()
    let most = AgentServer.maximumSessions
    let people = (1..<most).map { Person(scene, UInt64($0)) }
    #expect(people.allSatisfy { $0.isOpen })
    // A laptop that sleeps after its hello: it answers no ping.
    var address = loopback(scene.agent.boundControlPort)
    let sleeper = TestClient(loop: scene.loop, fd: clinux_tcp_connect(&address))
    var hello = [UInt8](repeating: 0, count: Hello.size)
    hello.withUnsafeMutableBytes { Hello(holder: 98, token: scene.token).write(to: $0.baseAddress!) }
    sleeper.send(hello)
    #expect(scene.loop.turn { scene.agent.sessions.count == most })
    #expect(Person(scene, 99).refusal == .crowded)
    let again = Person(scene, 3)
    #expect(again.isOpen)
    #expect(scene.loop.turn { people[2].session.isClosed })
    #expect(scene.loop.turn { scene.agent.sessions.contains { $0.session.isSilent } })
    #expect(Person(scene, 99).isOpen && sleeper.sawEnd)
    #expect(scene.agent.sessions.count == most && people[5].isOpen)
  }
}
