import Relay
import Testing
import TunnelProtocol

@testable import Agents

/// An agent, or the API server before it, may send without end: only so much waits for the link.
struct MessageGateTests {
  private static let message = LinkEvent.message(ControlMessage(.fellBack, port: 80))

  @Test("So many events wait, and further ones are dropped until one is handled")
  func bound() {
    let gate = MessageGate(limit: 3)
    #expect((0..<5).map { _ in gate.admits(Self.message) } == [true, true, true, false, false])
    #expect(!gate.admits(.problem("x")), "problems count too")
    gate.handled(Self.message)
    #expect(gate.admits(.problem("x")) && !gate.admits(Self.message))
    for _ in 0..<3 { gate.handled(Self.message) }
    #expect((0..<4).map { _ in gate.admits(Self.message) } == [true, true, true, false])
  }

  @Test("Events of the session always pass, and take no place")
  func session() {
    let gate = MessageGate(limit: 1)
    #expect(gate.admits(Self.message))
    for _ in 0..<10 { #expect(gate.admits(.session(.silent))) }
    gate.handled(.session(.silent))
    #expect(!gate.admits(Self.message))
  }
}
