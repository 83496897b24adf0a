import ControlAPI
import KubeAPI
import KubeObjects
import Logging
import Relay
import Testing

@testable import Agents

@Suite(.timeLimit(.minutes(1))) struct AgentLinkTests {
  private static let pod: JSONValue = [
    "metadata": ["name": "devtunnel-user-6f9c-x", "uid": "p"],
    "status": ["containerStatuses": [["name": JSONValue(AgentNames.container), "state": ["running": [:]]]]],
  ]

  @Test("A port-forward that is forbidden is told at once")
  func forbidden() async throws {
    let cluster = FakeNamespace(.init(lists: ["pods": [Self.pod]]))
    try await withServer { request, connection in
      guard request.path.hasSuffix("/portforward") else { return cluster.answer(request, connection) }
      connection.failure(403, "Forbidden", "pods is forbidden: User \"alice\" cannot create resource \"pods/portforward\"")
    } _: { client, _ in
      let identity = AgentIdentity(namespace: "testbed", workload: "user", controlPort: 17_717, token: Array(repeating: 7, count: 32), uid: "d")
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: identity, transitions: 1, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      // The suite's time limit is far shorter than this one.
      let refusal = await #expect(throws: ControlError.self) { try await link.connected(within: .seconds(3600)) }
      #expect(refusal?.code == .forbidden)
      #expect(refusal?.message.contains("pods/portforward") == true)
      #expect(refusal?.message.contains("exec") == false)
      #expect(refusal?.remedy?.contains("devtunnel doctor") == true)
      await link.stop()
    }
  }
}
