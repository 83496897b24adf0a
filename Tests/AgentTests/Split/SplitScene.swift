import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// An agent whose port has rules, and people who have them.
final class SplitScene {
  let scene: AgentScene
  let alice: Person
  var loop: EventLoop { scene.loop }
  var port: UInt16 { scene.origin.port }
  var agent: AgentServer { scene.agent }

  init(originAnswers: Bool = true, limits: InboundLimits? = nil, rule: String? = "header x-devtunnel=alice") {
    scene = AgentScene(originAnswers: originAnswers, limits: limits)
    scene.origin.greeting = ""
    alice = Person(scene, 1)
    if let rule { #expect(alice.turn(port, matching: rule, count: 1)) }
  }

  static func request(_ path: String, _ fields: String = "", body: String = "") -> String {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    return "GET \(path) HTTP/1.1\r\nHost: user\r\n\(fields)\(length)\r\n\(body)"
  }

  /// A request that meets the rule.
  static func match(_ path: String, body: String = "") -> String {
    request(path, "X-DevTunnel: alice\r\n", body: body)
  }

  static func answer(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
  }

  /// Waits until a side has these bytes behind those of before, and returns its connection.
  @discardableResult
  func arrives(_ text: String, at connections: () -> [TestClient]) -> TestClient? {
    var found: TestClient?
    #expect(
      loop.turn {
        found = connections().last { $0.ends(with: text) }
        return found != nil
      }, "\(text) did not arrive")
    return found
  }

  @discardableResult
  func atOrigin(_ text: String) -> TestClient? { arrives(text) { self.scene.origin.connections } }

  @discardableResult
  func atHost(_ text: String, of person: Person? = nil) -> TestClient? {
    arrives(text) { (person ?? self.alice).host.connections }
  }

  /// Sends a request and its answer, and checks that the client gets it.
  func exchange(_ client: TestClient, _ request: String, person: Person?, _ body: String) {
    client.send(request)
    let server = person.map { atHost(request, of: $0) } ?? atOrigin(request)
    server?.send(Self.answer(body))
    #expect(loop.turn { client.ends(with: Self.answer(body)) })
  }

  /// The origin's connections without those that only looked whether it answers.
  var origins: [TestClient] { scene.origin.connections.filter { !$0.text.isEmpty || !$0.sawEnd && !$0.sawReset } }

  /// Checks that nothing is left once the clients and the servers are gone.
  func expectNothingLeft(_ others: Person...) {
    #expect(
      loop.turn {
        for server in self.scene.origin.connections { server.close() }
        for person in others + [self.alice] { for server in person.host.connections { server.close() } }
        return self.agent.connections == 0
      })
    #expect(agent.inbound[0].splits.isEmpty && loop.blocks.held == 0)
  }
}

extension TestClient {
  /// Checks the last bytes that came.
  func ends(with text: String) -> Bool { received.suffix(text.utf8.count).elementsEqual(text.utf8) }
}

extension Person {
  /// Sends rules; returns the agent's answer.
  func keep(_ rules: String, port: UInt16) -> StreamStatus? {
    let size = UInt32(rules.utf8.count).bigEndian
    let head = withUnsafeBytes(of: size) { Array($0) }
    let stream = TestStream.open(session, Preamble(.rules, port: port), head + Array(rules.utf8))
    stream.finish()
    scene.loop.turn { stream.status != nil }
    return stream.status
  }

  /// Turns the requests that match; returns true if the agent has done it.
  func turn(_ port: UInt16, matching rules: String, count: UInt64, passesRefusals: Bool = false) -> Bool {
    guard keep(rules, port: port) == .connected else { return false }
    let flag = ControlMessage.matching | (passesRefusals ? ControlMessage.passesRefusals : 0)
    return ask(ControlMessage(.turnToHost, port: port, flag: flag, first: count))?.flag == 0
  }
}
