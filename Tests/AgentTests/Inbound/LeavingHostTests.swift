import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Clients on a host whose port goes elsewhere: to the origin, or to somebody else's host.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LeavingHostTests {
  private typealias Scene = SplitScene

  private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + http2Frame(4)
  private let goAway = http2Frame(7, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])

  /// A scene in which Alice has the whole port.
  private func intercepted() -> SplitScene {
    let split = SplitScene(rule: nil)
    #expect(split.alice.ask(ControlMessage(.turnToHost, port: split.port, first: 1)) != nil)
    return split
  }

  private func leave(_ split: SplitScene) {
    #expect(split.alice.ask(ControlMessage(.turnToOrigin, port: split.port)) != nil)
  }

  /// The streams of Alice's session that the agent holds for clients.
  private func streams(_ split: SplitScene) -> Int {
    split.agent.sessions.reduce(0) { $0 + $1.session.streams.filter { !($0 is ControlEnd) }.count }
  }

  @Test("A client of HTTP/1.1 goes to the origin with its next request, and its host sees the end")
  func idle() {
    let split = intercepted()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: split.alice, "host")
    leave(split)
    let host = split.alice.host.connections[0]
    split.exchange(client, Scene.request("/2"), person: nil, "origin")
    #expect(split.loop.turn { host.sawEnd } && !host.sawReset)
    #expect(client.text == Scene.answer("host") + Scene.answer("origin") && !client.sawEnd)
    host.close()
    #expect(split.loop.turn { streams(split) == 0 })
    client.close()
    split.expectNothingLeft()
  }

  @Test("A client that waits for the end of its connection gets it from the host", arguments: [true, false])
  func untilTheEnd(leavesFirst: Bool) {
    let split = intercepted()
    let client = split.scene.client()
    client.send("GET /1 HTTP/1.0\r\n\r\n")
    let host = split.atHost("GET /1 HTTP/1.0\r\n\r\n")
    if leavesFirst { leave(split) }
    host?.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    #expect(split.loop.turn { client.ends(with: "ok") })
    if !leavesFirst { leave(split) }
    split.scene.wait(milliseconds: 100)
    host?.close()
    #expect(split.loop.turn { client.sawEnd } && !client.sawReset)
    client.close()
    split.expectNothingLeft()
  }

  @Test("The end of a client reaches the host")
  func clientEnds() {
    let split = intercepted()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: split.alice, "1")
    leave(split)
    client.close()
    #expect(split.loop.turn { split.alice.host.connections[0].sawEnd })
    split.expectNothingLeft()
  }

  @Test("A request under way has its answer, and those behind it go to the origin")
  func midway() {
    let split = intercepted()
    let client = split.scene.client()
    let first = Scene.request("/1", body: "half of it")
    client.send(String(first.dropLast(4)))
    let host = split.atHost(String(first.dropLast(4)))
    leave(split)
    client.send(String(first.suffix(4)))
    split.atHost(first)
    // It is whole: another one waits, so that the host never sees it.
    client.send(Scene.request("/2"))
    split.scene.wait(milliseconds: 100)
    #expect(host?.text == first)
    host?.send(Scene.answer("one"))
    split.atOrigin(Scene.request("/2"))?.send(Scene.answer("two"))
    #expect(split.loop.turn { client.text == Scene.answer("one") + Scene.answer("two") })
    #expect(host?.text == first)
  }

  @Test("Requests that the host has already are answered by it")
  func pipelined() {
    let split = intercepted()
    let client = split.scene.client()
    let both = Scene.request("/1") + Scene.request("/2")
    client.send(both)
    let host = split.atHost(both)
    leave(split)
    host?.send(Scene.answer("1"))
    split.scene.wait(milliseconds: 50)
    client.send(Scene.request("/3"))
    host?.send(Scene.answer("2"))
    split.atOrigin(Scene.request("/3"))?.send(Scene.answer("3"))
    #expect(split.loop.turn { client.text == Scene.answer("1") + Scene.answer("2") + Scene.answer("3") })
  }

  @Test("An answer that the client has not read is not lost")
  func slowReader() {
    let split = intercepted()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: split.alice, "1")
    client.send(Scene.request("/2"))
    let host = split.atHost(Scene.request("/2"))
    client.isReading = false
    let answer = Scene.answer(String(repeating: "x", count: 4 << 20))
    host?.send(answer)
    split.scene.wait(milliseconds: 200)
    leave(split)
    split.scene.wait(milliseconds: 100)
    #expect(host?.sawEnd == false, "the host's answer is not whole")
    client.isReading = true
    let size = Scene.answer("1").utf8.count + answer.utf8.count
    #expect(split.loop.turn(seconds: 30) { client.received.count >= size })
    #expect(client.received.count == size)
    split.exchange(client, Scene.request("/3"), person: nil, "origin")
  }

  @Test("A connection without a byte so far goes to the origin")
  func unused() {
    let split = intercepted()
    let client = split.scene.client()
    #expect(split.loop.turn { split.alice.host.connections.count == 1 })
    split.scene.wait(milliseconds: 20)
    leave(split)
    client.send("anything")
    split.atOrigin("anything")
    #expect(split.alice.host.connections[0].received.isEmpty)
  }

  @Test("An upgraded connection, and other protocols, stay with the host")
  func opaque() {
    let split = intercepted()
    let upgraded = split.scene.client()
    let upgrade = Scene.request("/ws", "Connection: upgrade\r\nUpgrade: websocket\r\n")
    upgraded.send(upgrade)
    let host = split.atHost(upgrade)
    let binary = split.scene.client()
    binary.send("\u{1}binary")
    let other = split.atHost("\u{1}binary")
    leave(split)
    host?.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    #expect(split.loop.turn { upgraded.ends(with: "\r\n\r\n") })
    upgraded.send("frame")
    split.atHost("frame")
    host?.send("back")
    #expect(split.loop.turn { upgraded.ends(with: "back") })
    binary.send("more")
    split.atHost("more")
    other?.send("ok")
    #expect(split.loop.turn { binary.text == "ok" })
    #expect(!binary.sawEnd && !upgraded.sawEnd)
  }

  @Test("A client of HTTP/2 is asked to connect again, and keeps its stream to the end")
  func http2() {
    let split = intercepted()
    let client = split.scene.client()
    let request = preface + http2Frame(1, flags: 5, stream: 1, [1, 2, 3])
    client.send(request)
    #expect(split.loop.turn { split.alice.host.connections.first?.received == request })
    let host = split.alice.host.connections[0]
    host.send(http2Frame(4) + http2Frame(1, flags: 4, stream: 1, [8]))
    let begun = http2Frame(4).count + 10
    #expect(split.loop.turn { client.received.count == begun })
    leave(split)
    #expect(split.loop.turn { client.received.count == begun + goAway.count })
    split.scene.wait(milliseconds: 1300)
    #expect(!client.sawEnd, "its stream is still open")
    let end = http2Frame(0, flags: 1, stream: 1, [5, 6])
    host.send(end)
    #expect(split.loop.turn { client.sawEnd } && !client.sawReset)
    let bytes = http2Frame(4) + http2Frame(1, flags: 4, stream: 1, [8]) + goAway + end
    #expect(client.received == bytes + http2Frame(7, [0, 0, 0, 1, 0, 0, 0, 0]))
    client.close()
    host.close()
    #expect(split.loop.turn { streams(split) == 0 })
  }

  @Test("Somebody else who takes the port over gets the clients between two of their requests")
  func takenOver() {
    let split = intercepted()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: split.alice, "alice")
    let bob = Person(split.scene, 2)
    #expect(bob.ask(ControlMessage(.turnToHost, port: split.port, first: 2)) != nil)
    split.exchange(client, Scene.request("/2"), person: bob, "bob")
    #expect(client.text == Scene.answer("alice") + Scene.answer("bob"))
    bob.host.connections.last?.close()
  }

  @Test("A client that goes on asking loses no request when its port is turned forth and back")
  func inUse() {
    let split = intercepted()
    let client = split.scene.client()
    for round in 0..<20 {
      split.exchange(client, Scene.request("/\(round)"), person: split.alice, "host \(round)")
      leave(split)
      split.exchange(client, Scene.request("/o\(round)"), person: nil, "origin \(round)")
      let count = UInt64(round + 2)
      #expect(split.alice.ask(ControlMessage(.turnToHost, port: split.port, first: count)) != nil)
      // The first connection that the host takes shows that it answers.
      let probe = split.scene.client()
      #expect(split.loop.turn { split.agent.inbound[0].hostAnswers })
      probe.close()
    }
    #expect(!client.sawEnd && !client.sawReset)
  }
}
