import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

@Suite(.serialized, .timeLimit(.minutes(1))) struct SplitConnectionTests {
  private typealias Scene = SplitScene

  @Test("Requests of one connection go to the host and to the origin in turn")
  func turns() {
    let split = SplitScene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "origin")
    split.exchange(client, Scene.match("/2"), person: split.alice, "host")
    split.exchange(client, Scene.request("/3", body: "body"), person: nil, "origin again")
    split.exchange(client, Scene.match("/4", body: "body"), person: split.alice, "host again")
    #expect(split.origins.map(\.text) == [Scene.request("/1") + Scene.request("/3", body: "body")])
    #expect(split.alice.host.connections.map(\.text) == [Scene.match("/2") + Scene.match("/4", body: "body")])
    let counters = split.alice.ask(ControlMessage(.counters, port: split.port))
    #expect(counters?.first == 2 && counters?.second == 1)
    client.finish()
    #expect(split.loop.turn { split.origins[0].sawEnd && split.alice.host.connections[0].sawEnd })
    split.origins[0].finish()
    #expect(split.loop.turn { client.sawEnd })
    split.expectNothingLeft()
  }

  @Test("The stricter rule wins, then the older claim, and any rule over the whole port")
  func severalPeople() {
    let split = SplitScene()
    let bob = Person(split.scene, 2)
    let carol = Person(split.scene, 3)
    #expect(bob.turn(split.port, matching: "header x-devtunnel=alice\npath /bob/*\n\nheader x-user=b*", count: 2))
    #expect(carol.turn(split.port, count: 3))
    let client = split.scene.client()
    split.exchange(client, Scene.match("/"), person: split.alice, "alice")
    split.exchange(client, Scene.match("/bob/1"), person: bob, "bob")
    split.exchange(client, Scene.request("/", "x-user: bob\r\n"), person: bob, "bob")
    split.exchange(client, Scene.request("/", "x-user: bob\r\nx-devtunnel: alice\r\n"), person: split.alice, "older")
    split.exchange(client, Scene.request("/"), person: carol, "carol")
    // Carol's own intercept ends: her requests go to the origin, on the same connection.
    #expect(carol.ask(ControlMessage(.turnToOrigin)) != nil)
    split.exchange(client, Scene.request("/2"), person: nil, "origin")
    split.exchange(client, Scene.match("/"), person: split.alice, "alice")
    #expect(carol.turn(split.port, count: 4))
    split.exchange(client, Scene.request("/3"), person: carol, "carol")
    client.close()
    split.expectNothingLeft(bob, carol)
  }

  /// A daemon that leaves waits for its host's connections to end.
  @Test("A host's connection ends with its rules, and the client's goes on")
  func rulesEnd() {
    let split = SplitScene()
    let client = split.scene.client()
    split.exchange(client, Scene.match("/1"), person: split.alice, "host")
    #expect(split.alice.ask(ControlMessage(.turnToOrigin)) != nil)
    #expect(split.loop.turn { split.alice.host.connections[0].sawEnd })
    split.exchange(client, Scene.match("/2"), person: nil, "origin")
    client.close()
    split.expectNothingLeft()
  }

  @Test("A request goes to the origin, whole, if its host refuses, is silent, or has gone", arguments: [0, 1, 2])
  func fallsBack(kind: Int) {
    let split = SplitScene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "origin")
    switch kind {
    case 0: split.alice.session.router = ToHost(freePort())
    case 1: split.alice.session.router = Never()
    default: split.alice.session.router = nil
    }
    let body = String(repeating: "x", count: 40_000)
    split.exchange(client, Scene.match("/2", body: body), person: nil, "fallback")
    #expect(split.alice.told.contains { $0.kind == .fellBack && $0.port == split.port })
    split.alice.session.router = ToHost(split.alice.host.port)
    split.exchange(client, Scene.match("/3"), person: split.alice, "host")
    #expect(split.alice.told.contains(ControlMessage(.hostAnswers, port: split.port)))
    #expect(split.alice.ask(ControlMessage(.counters, port: split.port))?.first == 1)
    split.alice.session.close()
    #expect(split.loop.turn { split.agent.sessions.isEmpty })
    split.exchange(client, Scene.match("/4"), person: nil, "gone")
    client.close()
    split.expectNothingLeft()
  }

  @Test("A body that waits for the host goes on as soon as the host has taken the connection")
  func lateHost() {
    let split = SplitScene()
    let late = Late()
    split.alice.session.router = late
    let client = split.scene.client()
    let request = Scene.match("/", body: String(repeating: "x", count: 300_000))
    client.send(request)
    #expect(split.loop.turn { late.end != nil })
    // All that is kept for the origin has left by then.
    split.scene.wait(milliseconds: 50)
    late.end?.connect(to: loopback(split.alice.host.port))
    split.atHost(request)?.send(Scene.answer("done"))
    #expect(split.loop.turn { client.text == Scene.answer("done") })
    client.close()
    split.expectNothingLeft()
  }

  @Test("A refusal is passed on where that was asked for")
  func passesRefusals() {
    let split = SplitScene(rule: nil)
    #expect(split.alice.turn(split.port, matching: "path /x", count: 1, passesRefusals: true))
    split.alice.session.router = ToHost(freePort())
    let client = split.scene.client()
    client.send(Scene.request("/x"))
    #expect(split.loop.turn { client.sawReset })
    split.expectNothingLeft()
  }

  @Test("A host that is lost in the middle of an answer ends the connection")
  func lostHost() {
    let split = SplitScene()
    let client = split.scene.client()
    client.send(Scene.match("/"))
    split.atHost(Scene.match("/"))?.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    #expect(split.loop.turn { client.text.hasSuffix("part") })
    split.alice.session.close()
    #expect(split.loop.turn { client.sawReset })
    split.expectNothingLeft()
  }

  @Test("Connections that are on the origin come and are split, between two of their requests")
  func comesHome() {
    let split = SplitScene(rule: nil)
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "origin")
    let busy = split.scene.client()
    busy.send(Scene.request("/2"))
    let server = split.atOrigin(Scene.request("/2"))
    #expect(split.agent.inbound[0].onOrigin.count == 2)
    #expect(split.alice.turn(split.port, matching: "header x-devtunnel=alice", count: 1))
    split.exchange(client, Scene.match("/3"), person: split.alice, "host")
    #expect(split.agent.inbound[0].onOrigin.count == 1)
    server?.send(Scene.answer("late"))
    #expect(split.loop.turn { busy.text == Scene.answer("late") })
    split.exchange(busy, Scene.match("/4"), person: split.alice, "host")
    #expect(split.agent.inbound[0].onOrigin.isEmpty && split.agent.inbound[0].splits.count == 2)
    // The rules end, and the connections stay.
    #expect(split.alice.ask(ControlMessage(.turnToOrigin)) != nil)
    split.exchange(client, Scene.match("/5"), person: nil, "origin")
    client.close()
    busy.close()
    split.expectNothingLeft()
  }

  @Test(
    "Bytes that are no HTTP go to the origin at once, and a server may speak first",
    arguments: ["\u{1}\u{2}", "", "P"])
  func streams(first: String) {
    let split = SplitScene()
    let client = split.scene.client()
    client.send(first)
    #expect(split.loop.turn { !split.origins.isEmpty })
    if first == "\u{1}\u{2}" { split.atOrigin(first) }
    split.origins[0].send("220 hello\r\n")
    #expect(split.loop.turn { client.text == "220 hello\r\n" })
    client.send(Scene.match("/"))
    split.atOrigin(first + Scene.match("/"))
    split.origins[0].finish()
    #expect(split.loop.turn { client.sawEnd && !client.sawReset })
    client.send("still open")
    client.finish()
    split.atOrigin("still open")
    split.expectNothingLeft()
  }

  @Test("Without an origin the matching requests have their host, and others are reset")
  func noOrigin() {
    let split = SplitScene(originAnswers: false)
    let client = split.scene.client()
    client.send(Scene.match("/"))
    split.atHost(Scene.match("/"))?.send(Scene.answer("host"))
    #expect(split.loop.turn { client.text == Scene.answer("host") })
    client.send(Scene.request("/"))
    #expect(split.loop.turn { client.sawReset })
    let silent = split.scene.client()
    #expect(split.loop.turn { silent.sawReset })
    split.expectNothingLeft()
  }

  @Test("A WebSocket of a host is a stream of bytes to the end")
  func upgrade() {
    let split = SplitScene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "origin")
    let request = Scene.request("/ws", "X-DevTunnel: alice\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
    client.send(request)
    let host = split.atHost(request)
    host?.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u{1}")
    #expect(split.loop.turn { client.text.hasSuffix("\r\n\r\n\u{1}") })
    client.send(Scene.request("/2"))
    split.atHost(Scene.request("/2"))
    #expect(split.loop.turn { split.origins[0].sawEnd })
    host?.finish()
    client.finish()
    #expect(split.loop.turn { client.sawEnd })
    split.expectNothingLeft()
  }

  @Test("Large bodies go both ways, and slow readers hold them up", arguments: [true, false])
  func largeBodies(isMatch: Bool) {
    let split = SplitScene(limits: InboundLimits(connections: 100, bytes: 4 << 20))
    let client = split.scene.client()
    split.exchange(client, Scene.match("/"), person: split.alice, "host")
    split.exchange(client, Scene.request("/"), person: nil, "origin")
    let body = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    let request =
      "PUT / HTTP/1.1\r\n\(isMatch ? "X-DevTunnel: alice\r\n" : "")Content-Length: \(body.count)\r\n\r\n"
    let server = isMatch ? split.alice.host.connections[0] : split.origins[0]
    server.isReading = false
    client.send(request)
    client.send(body)
    split.scene.wait(milliseconds: 100)
    #expect(split.loop.blocks.held < 2 << 20)
    server.isReading = true
    #expect(
      split.loop.turn(seconds: 20) {
        server.received.count >= body.count && server.received.suffix(9) == body.suffix(9)
      })
    let isSame = Array(server.received.suffix(body.count)) == body
    #expect(isSame)
    client.isReading = false
    let before = client.received.count
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1E8480\r\n"
    server.send(head)
    server.send(body)
    server.send("\r\n0\r\n\r\n")
    split.scene.wait(milliseconds: 100)
    #expect(split.loop.blocks.held < 2 << 20)
    client.isReading = true
    let size = before + head.utf8.count + body.count + 7
    #expect(split.loop.turn(seconds: 20) { client.received.count == size })
    let isSameAnswer = Array(client.received.dropLast(7).suffix(body.count)) == body
    #expect(isSameAnswer)
    split.exchange(client, Scene.match("/end"), person: split.alice, "host")
    client.close()
    split.expectNothingLeft()
  }

  @Test("The client gets the whole of a last answer")
  func lastAnswer() {
    let split = SplitScene()
    let client = split.scene.client()
    client.send(Scene.match("/"))
    let host = split.atHost(Scene.match("/"))
    let body = String(repeating: "b", count: 300_000)
    client.isReading = false
    host?.send("HTTP/1.0 200 OK\r\n\r\n" + body)
    host?.finish()
    split.scene.wait(milliseconds: 50)
    client.send("what nobody reads any more")
    client.isReading = true
    #expect(split.loop.turn { client.sawEnd && !client.sawReset })
    #expect(client.text == "HTTP/1.0 200 OK\r\n\r\n" + body)
    client.close()
    split.expectNothingLeft()
  }

  @Test("A socket whose connection is over is closed once its peer takes nothing", arguments: [true, false])
  func neverRead(lingers: Bool) {
    let split = SplitScene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/1"), person: nil, "origin")
    var both = (Int32(-1), Int32(-1))
    let isMade = withUnsafeMutablePointer(to: &both) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { clinux_socketpair($0) }
    }
    #expect(isMade == 0)
    let socket = SplitSocket(connection: split.agent.inbound[0].splits[0], loop: split.loop, side: .way(0))
    socket.connected(both.0)
    let bytes = [UInt8](repeating: 0, count: 8 << 20)
    bytes.withUnsafeBytes { socket.write($0) }
    socket.finish(lingers: lingers)
    let peer = TestClient(loop: split.loop, fd: both.1)
    #expect(split.loop.turn { peer.received.count > 1000 })
    peer.isReading = false
    split.scene.wait(milliseconds: 50)
    // It takes something between two looks.
    socket.timerFired(SplitSocket.endTimer)
    #expect(!socket.isReleased)
    socket.timerFired(SplitSocket.endTimer)
    #expect(socket.isReleased)
    peer.close()
    client.close()
    split.expectNothingLeft()
  }

  @Test("The slowest readers lose their connections where there is no memory")
  func shed() {
    let split = SplitScene(limits: InboundLimits(connections: 100, bytes: 1 << 20))
    split.alice.session.router = Never()
    let clients = (0..<40).map { _ in split.scene.client() }
    for client in clients { client.send(Scene.match("/", body: String(repeating: "x", count: 60_000))) }
    #expect(split.loop.turn { clients.contains { $0.sawReset } })
    #expect(split.loop.blocks.held <= 1 << 20)
    for client in clients { client.close() }
    split.expectNothingLeft()
  }

  @Test("An agent that ends lets idle clients go, and others after their answer")
  func terminates() {
    let split = SplitScene()
    let idle = split.scene.client()
    split.exchange(idle, Scene.request("/1"), person: nil, "origin")
    let busy = split.scene.client()
    busy.send(Scene.match("/2"))
    let host = split.atHost(Scene.match("/2"))
    let silent = split.scene.client()
    split.scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    split.agent.terminate()
    #expect(split.loop.turn { idle.sawEnd && silent.sawEnd } && !idle.sawReset && !busy.sawEnd)
    host?.send(Scene.answer("late"))
    #expect(
      split.loop.turn { busy.sawEnd }
        && busy.text
          == Scene.answer("late").replacing(
            "\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
    )
  }

  /// To close a connection in use would meet the client's next request.
  @Test("A client that goes on asking while the agent ends loses no request")
  func terminatesInUse() {
    let split = SplitScene()
    let client = split.scene.client()
    split.exchange(client, Scene.request("/first"), person: nil, "x")
    split.scene.nameserver.table["agents.ns"] = [[127, 0, 0, 3], [127, 0, 0, 4]]
    split.agent.terminate()
    var answered = 0
    var isOver = false
    while !isOver, answered < 10_000 {
      client.send(Scene.request("/\(answered)"))
      guard let server = split.atOrigin(Scene.request("/\(answered)")) else { return }
      server.send(Scene.answer("\(answered)"))
      #expect(split.loop.turn { client.ends(with: "\r\n\r\n\(answered)") })
      answered += 1
      isOver = client.text.contains("Connection: close")
    }
    #expect(isOver && split.loop.turn { client.sawEnd } && !client.sawReset)
  }
}

/// Routes a stream to a host that connects later.
private final class Late: StreamRouter {
  private(set) var end: AcceptorEnd?

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    end = AcceptorEnd(session: session, slot: slot, preamble: preamble, router: self)
    return end
  }
}
