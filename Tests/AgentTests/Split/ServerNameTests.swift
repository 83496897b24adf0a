import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// Connections with TLS that go to a host by the server's name.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ServerNameTests {
  /// A ClientHello to a server.
  static func hello(_ name: String) -> [UInt8] {
    func sized(_ size: Int, _ bytes: [UInt8]) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * (size - 1 - $0))) } + bytes
    }
    let entry = [0] + sized(2, Array(name.utf8))
    let extensions = [0, 5, 0, 1, 0] + [0, 0] + sized(2, sized(2, entry))
    let random = [UInt8](repeating: 7, count: 32)
    let body = [3, 3] + random + sized(1, []) + sized(2, [0x13, 1]) + sized(1, [0]) + sized(2, extensions)
    return [22, 3, 1] + sized(2, [1] + sized(3, body))
  }

  @Test("The host gets the connection, others go to the origin", arguments: [1, 10_000])
  func goes(size: Int) {
    let split = SplitScene(rule: "sni *.shop")
    let bytes = Self.hello("api.SHOP") + [1, 2, 3]
    let client = split.scene.client()
    for start in stride(from: 0, to: bytes.count, by: size) {
      client.send(Array(bytes[start..<min(start + size, bytes.count)]))
      split.loop.turn(maximumWait: 0)
    }
    #expect(split.loop.turn { split.alice.host.connections.first?.received == bytes })
    split.alice.host.connections.first?.send([9, 9])
    #expect(split.loop.turn { client.received == [9, 9] })
    client.send([4])
    #expect(split.loop.turn { split.alice.host.connections.first?.received == bytes + [4] })
    #expect(split.origins.allSatisfy { $0.received.isEmpty })
    for other in [Self.hello("api.other"), [22, 3, 1, 0, 1, 2], [22, 9], [0, 1, 2]] {
      let second = split.scene.client()
      second.send(other)
      #expect(split.loop.turn { split.scene.origin.connections.contains { $0.received == other } })
      second.close()
    }
    let counters = split.alice.ask(ControlMessage(.counters, port: split.port))
    #expect(counters?.first == 1 && split.alice.host.connections.count == 1)
    client.close()
    split.expectNothingLeft()
  }

  @Test("A host that refuses, is silent, or has gone: the origin gets all of it", arguments: [0, 1, 2])
  func fallsBack(kind: Int) {
    let split = SplitScene(rule: "sni api.shop")
    switch kind {
    case 0: split.alice.session.router = ToHost(freePort())
    case 1: split.alice.session.router = Never()
    default: split.alice.session.router = nil
    }
    let client = split.scene.client()
    let bytes = Self.hello("api.shop") + [UInt8](repeating: 5, count: 30_000)
    client.send(bytes)
    #expect(split.loop.turn { split.scene.origin.connections.contains { $0.received == bytes } })
    split.scene.origin.connections.last { $0.received == bytes }?.send([8])
    #expect(split.loop.turn { client.received == [8] })
    #expect(split.alice.told.contains { $0.kind == .fellBack })
    client.close()
    split.expectNothingLeft()
  }

  @Test("A server that speaks first is heard at once, and a part of a message waits for no one")
  func serverFirst() {
    let split = SplitScene(rule: "sni api.shop")
    let client = split.scene.client()
    client.send([22, 3, 1, 0, 200])
    split.scene.wait(milliseconds: 50)
    #expect(split.origins.count == 1 && split.origins[0].received.isEmpty)
    split.origins[0].send([220])
    #expect(split.loop.turn { client.received == [220] && split.origins[0].received == [22, 3, 1, 0, 200] })
    client.close()
    split.expectNothingLeft()
  }
}
