import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Datagrams of the Service's clients, which go to the origin's Pod on 127.0.0.2.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DatagramListenerTests {
  /// A client of the UDP port.
  private final class Client {
    let fd: Int32
    init(_ port: UInt16, from source: String = "127.0.0.1") {
      var (own, agent) = (clinux_address(), loopback(port))
      clinux_parse_address(source, &own)
      fd = clinux_udp_bind(&own)
      #expect(clinux_tcp_connect_socket(fd, &agent) == 0)
    }
    deinit { clinux_close(fd) }

    func send(_ text: String) { #expect(clinux_send(fd, text, text.utf8.count) == text.utf8.count) }

    /// The next answer; nil without one.
    var answer: String? {
      var bytes = [UInt8](repeating: 0, count: 100)
      var rest: UInt8 = 0
      let count = clinux_receive_parts(fd, &bytes, bytes.count, &rest, 0)
      return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }
  }

  private final class Scene {
    let agent: AgentScene
    let origin: UDPServer

    init(_ change: (inout AgentConfiguration) -> Void = { _ in }) {
      let port = freePort()
      agent = AgentScene { configuration in
        configuration.datagrams = [port]
        change(&configuration)
      }
      origin = UDPServer(loop: agent.loop, port: port, address: "127.0.0.2")
    }
    deinit { origin.close() }

    func client(from source: String = "127.0.0.1") -> Client {
      Client(agent.agent.boundDatagramPorts[0], from: source)
    }

    /// Returns the port from which the origin sees the client, once it has answered.
    func ask(_ client: Client, _ text: String) -> UInt16 {
      client.send(text)
      var answer: String?
      agent.loop.turn {
        answer = answer ?? client.answer
        return answer != nil
      }
      #expect(answer == text)
      return origin.peer.port
    }
  }

  @Test("Each client has a flow of its own, and gets its own answers")
  func flows() {
    let scene = Scene()
    let (one, other) = (scene.client(), scene.client())
    let port = scene.ask(one, "one")
    #expect(scene.ask(other, "other") != port)
    #expect(scene.ask(one, "again") == port)
    #expect(one.answer == nil && other.answer == nil)
    #expect(scene.origin.received == ["one", "other", "again"].map { Array($0.utf8) })
  }

  @Test("A flow without datagrams ends")
  func idle() {
    let scene = Scene { $0.idleLimits = .init(oneWay: 50_000, bothWays: 100_000) }
    let client = scene.client()
    let port = scene.ask(client, "one")
    #expect(scene.ask(client, "two") == port)
    scene.agent.wait(milliseconds: 200)
    #expect(scene.ask(client, "three") != port)
  }

  @Test("With too many flows the one that was unused for longest ends")
  func limit() {
    let scene = Scene { $0.inboundLimits = InboundLimits(connections: 8, bytes: 1 << 20) }
    let (one, two, three) = (scene.client(), scene.client(), scene.client())
    let first = scene.ask(one, "1")
    scene.agent.wait(milliseconds: 5)
    let second = scene.ask(two, "2")
    scene.agent.wait(milliseconds: 5)
    _ = scene.ask(three, "3")
    #expect(scene.ask(two, "2") == second)
    #expect(scene.ask(one, "1") != first)
  }

  @Test("A flow to a port that nobody listens on ends, and one that begins later works")
  func refused() {
    let scene = Scene()
    scene.origin.close()
    let client = scene.client()
    client.send("lost")
    scene.agent.wait(milliseconds: 20)
    let back = UDPServer(
      loop: scene.agent.loop, port: scene.agent.agent.configuration.datagrams[0], address: "127.0.0.2")
    defer { back.close() }
    client.send("here")
    #expect(scene.agent.loop.turn { client.answer == "here" })
    #expect(back.received.count == 1)
  }

  @Test("An agent that takes this one for the origin makes no loop")
  func loop() {
    let scene = Scene()
    scene.client(from: "127.0.0.3").send("round")
    scene.agent.wait(milliseconds: 20)
    #expect(scene.origin.received.isEmpty)
  }
}
