import TestSupport
import Testing
import TunnelProtocol

@testable import Relay

@Suite(.serialized) struct InboundEndTests {
  @Test func turnsToTheHostAndBack() {
    let scene = AgentScene()
    scene.attach()
    #expect(scene.session?.isOpen == true)
    scene.hostServer.onAccept = { $0.send("host") }
    let port = scene.origin.port
    #expect(scene.ask(ControlMessage(.turnToHost, port: port))?.kind == .turnToHost)
    let first = scene.client()
    #expect(scene.loop.turn { first.text == "host" })
    #expect(scene.ask(ControlMessage(.turnToOrigin, port: port))?.kind == .turnToOrigin)
    let second = scene.client()
    #expect(scene.loop.turn { second.text == "origin" })
    // The first connection goes on where it was.
    scene.hostServer.connections[0].send(", still")
    #expect(scene.loop.turn { first.text == "host, still" })
    let counters = scene.ask(ControlMessage(.counters, port: port))
    #expect(counters?.first == 1 && counters?.second == 1)
  }

  @Test func aRefusalByTheHostFallsBackWithItsBytes() {
    let scene = AgentScene()
    scene.attach()
    scene.hostServer.close()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    let client = scene.client()
    client.send("GET / HTTP/1.1")
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.loop.turn { scene.origin.connections.last?.text == "GET / HTTP/1.1" })
    #expect(scene.told.contains { $0.kind == .fellBack && $0.flag == StreamStatus.refused.rawValue })
  }

  @Test func aRefusalIsPassedOnWhenAskedFor() {
    let scene = AgentScene()
    scene.attach()
    scene.hostServer.close()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port, flag: 1))
    let client = scene.client()
    #expect(scene.loop.turn { client.sawReset })
  }

  @Test func aSessionThatDiesLeavesTheOrigin() {
    let scene = AgentScene()
    scene.attach()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.session?.close()
    let client = scene.client()
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.isReady)
  }

  @Test func aHostThatDoesNotAcknowledgeLosesTheConnectionToTheOrigin() {
    let scene = AgentScene()
    scene.attach()
    _ = scene.ask(ControlMessage(.turnToHost, port: scene.origin.port))
    scene.session?.router = Never()
    let client = scene.client()
    client.send("hello")
    #expect(scene.loop.turn { client.text == "origin" })
    #expect(scene.origin.connections.last?.text == "hello")
    #expect(scene.told.contains { $0.kind == .fellBack && $0.flag == StreamStatus.timedOut.rawValue })
  }
}
